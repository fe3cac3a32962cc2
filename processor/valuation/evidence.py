"""What the eligible sales of a county prove: hedonic, space of comparables, level nearby, and how far off it all is."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from processor.valuation import hedonic as hedonics
from processor.valuation import local
from processor.valuation.allocation import LandSplit
from processor.valuation.doubts import Doubts
from processor.valuation.eligibility import OUTLIER, judge
from processor.valuation.frame import Floats, Frame, Ints, Objects, Sales
from processor.valuation.hedonic import Fit
from processor.valuation.interval import Spread
from processor.valuation.neighbours import Neighbours, Owners, SaleSearch, Space
from processor.valuation.plausibility import cleaned, doubted_columns, implausible, none_of
from processor.valuation.ridge import robust_sd
from processor.valuation.vocabulary import LOCATION, Reading

NEIGHBOURS: Final = 16

_OUTLIER_LOG: Final = 1.0
_OUTLIER_SDS: Final = 6.0
_SHARE_LIMITS: Final = (0.3, 0.8)
_SALES_TO_FIT_SHARE: Final = 40
_USUAL_SHARE: Final = 0.5
_FURTHEST: Final = 2.5
"""How far below the cheapest and above the dearest sale a value may lie, as a factor."""

_SMALLEST_DEVIATION: Final = 1e-6
_SPREAD_FLOOR: Final = 0.02
_NEAR: Final = 0.5
_AFTER_EVERYTHING: Final = 4_000_000
_WORKMANSHIP: Final = frozenset({"quality", "condition", "year_built", "year_renovated"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A batch seen from its neighbours: level of the nearby sales, best comparables, what those say on top of it.

    ``departure`` is the weighted mean of the comparables' adjusted log prices minus the modelled one.
    """

    level: Floats
    best: local.Best
    departure: Floats
    signs: Floats


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything learned from the eligible sales, which are ordered by day and id.

    ``sale_effects`` ends with the level nearby, ``sale_market`` is the log market level at the sale; ``share`` is how
    much of the comparables' departure the value follows.
    """

    sales: Sales
    doubted: frozenset[str]
    fit: Fit
    space: Space
    search: SaleSearch
    owners: Owners
    sale_effects: Floats
    sale_market: Floats
    facts: "Facts"
    bounds: tuple[float, float]
    share: float
    spread: Spread
    split: LandSplit
    doubts: Doubts

    def look_around(self, neighbours: Neighbours, modelled: Floats) -> Surroundings:
        """See a batch from its neighbours; ``modelled`` is its log price by the hedonic at the level of the index."""
        return self.facts.look_around(neighbours, modelled)

    def nearest_km(self, neighbours: Neighbours, reading: Reading) -> Floats:
        """Return the distance to the closest of the neighbours, NaN where a place is unknown."""
        return _nearest_km(self.fit, neighbours, reading)

    def land_share(self, frame: Frame, effects: Floats) -> Floats:
        """Return the land's share of each value."""
        return self.split.share(frame, *parts_of_value(self.fit, effects))


@dataclass(frozen=True, slots=True)
class Pool:
    """The eligible sales in the order of day and id, cleaned, and the columns whose entries are not judged."""

    sales: Sales
    doubted: frozenset[str]


def usable(sales: Sales) -> tuple[Pool, Objects]:
    """Return the eligible sales and the verdict on every sale given."""
    reasons = judge(sales)
    rows = np.flatnonzero(none_of(reasons)).astype(np.int64)
    rows = rows[np.lexsort((sales.sale_id[rows].astype(str), sales.day[rows]))]
    eligible = taken(sales, rows)
    doubted = doubted_columns(implausible(sales.frame, sales.day))
    frame = cleaned(eligible.frame, implausible(eligible.frame, eligible.day, doubted))
    return Pool(replace(eligible, frame=frame), doubted), reasons


def taken(sales: Sales, rows: Ints) -> Sales:
    """Return some of the sales, in the order of ``rows``, under the same version."""
    return Sales(
        sales.sale_id[rows],
        sales.property_id[rows],
        sales.document_number[rows],
        sales.day[rows],
        sales.known_day[rows],
        sales.price[rows],
        sales.ineligible[rows],
        sales.frame.take(rows),
        sales.version,
    )


def gather(sales: Sales) -> tuple[Evidence | None, Objects]:
    """Learn from a county's sales; return the evidence (None without any eligible sale) and a verdict on every sale."""
    pool, reasons = usable(sales)
    eligible = pool.sales
    if not len(eligible):
        return None, reasons
    fit = hedonics.fit(eligible.frame, eligible.day, np.log(eligible.price))
    limit = max(_OUTLIER_LOG, _OUTLIER_SDS * robust_sd(fit.residual))
    kept = np.flatnonzero(np.abs(fit.left_out) <= limit).astype(np.int64)
    if len(kept) < len(eligible):
        named = dict.fromkeys(np.delete(eligible.sale_id, kept).tolist())
        outlying = np.array([sale_id in named for sale_id in sales.sale_id.tolist()], dtype=bool)
        reasons[outlying & none_of(reasons)] = OUTLIER
        eligible, fit = taken(eligible, kept), fit.take(kept)
    return (_learn(Pool(eligible, pool.doubted), fit) if len(kept) else None), reasons


def _learn(pool: Pool, fit: Fit) -> Evidence:
    sales = pool.sales
    space = Space.of(fit)
    owners = Owners(sales.property_id)
    points = space.points(fit.reading)
    search = SaleSearch(points, sales.day, owners.of_sale)
    others = search.nearest(points, np.full(len(sales), _AFTER_EVERYTHING), owners.of_sale, NEIGHBOURS)
    level = local.level(local.kernel(others, fit.weight), fit.residual[others.sale])
    modelled = fit.effects.sum(axis=1)
    facts = Facts(
        owners.of_sale, fit.weight, fit.residual, fit.residual - level, float(modelled.mean()), float(modelled.std())
    )
    around = facts.look_around(others, modelled)
    error = fit.left_out - level
    share = _fitted_share(error, around.departure)
    return Evidence(
        sales=sales,
        doubted=pool.doubted,
        fit=fit,
        space=space,
        search=search,
        owners=owners,
        sale_effects=np.column_stack([fit.effects, level]),
        sale_market=fit.hedonic.market.at(sales.day),
        facts=facts,
        bounds=(float(sales.price.min()) / _FURTHEST, float(sales.price.max()) * _FURTHEST),
        share=share,
        spread=Spread.calibrated(error - share * around.departure, around.signs),
        split=_fitted_split(sales, fit),
        doubts=Doubts.of(fit, _nearest_km(fit, others, fit.reading)),
    )


@dataclass(frozen=True, slots=True)
class Facts:
    """What is kept of each sale: its property, trust in it, residual, and the residual beyond the level nearby."""

    owner: Ints
    trust: Floats
    residual: Floats
    beyond: Floats
    usual: float
    deviation: float

    def look_around(self, neighbours: Neighbours, modelled: Floats) -> Surroundings:
        """See properties from their neighbours; ``modelled`` is the sum of their effects."""
        weight = local.kernel(neighbours, self.trust)
        residual = self.residual[neighbours.sale]
        level = local.level(weight, residual)
        best = local.best(neighbours, weight * local.latest(neighbours, self.owner))
        departure = (best.weight * self.beyond[best.sale]).sum(axis=1)
        fifth = np.where(np.isfinite(best.distance), best.distance, 0.0).max(axis=1)
        unusual = np.abs(modelled - self.usual) / max(self.deviation, _SMALLEST_DEVIATION)
        signs = (np.log(local.spread(weight, residual, level) + _SPREAD_FLOOR), np.log(fifth + _NEAR), unusual)
        return Surroundings(level, best, departure, np.column_stack(signs))


def _fitted_share(error: Floats, departure: Floats) -> float:
    """Return how much of the comparables' departure to follow: the slope of the errors on it, within limits."""
    if len(error) < _SALES_TO_FIT_SHARE:
        return _USUAL_SHARE
    moderate = np.clip(error, -0.5, 0.5)
    slope = float((moderate * departure).sum() / max(float((departure**2).sum()), 1e-12))
    return round(min(max(slope, _SHARE_LIMITS[0]), _SHARE_LIMITS[1]), 4)


def _nearest_km(fit: Fit, neighbours: Neighbours, reading: Reading) -> Floats:
    east = fit.reading.east[neighbours.sale] - reading.east[:, None]
    north = fit.reading.north[neighbours.sale] - reading.north[:, None]
    squared = np.where(neighbours.found & np.isfinite(east), east**2 + north**2, np.inf).min(axis=1)
    return np.where(np.isfinite(squared), np.sqrt(squared), np.nan)


def parts_of_value(fit: Fit, effects: Floats) -> tuple[Floats, Floats]:
    """Return the log effects of place and of workmanship that the land split uses."""
    names = fit.hedonic.names
    count = len(fit.hedonic.vocabulary.numbers)
    place = [i for i, name in enumerate(names) if i >= count or name == LOCATION]
    work = [i for i, name in enumerate(names) if name in _WORKMANSHIP]
    return effects[:, place].sum(axis=1), effects[:, work].sum(axis=1)


def _fitted_split(sales: Sales, fit: Fit) -> LandSplit:
    place, work = parts_of_value(fit, fit.effects)
    market = fit.hedonic.market
    level = market.at(np.array([sales.day[-1]])) - market.at(sales.day)
    return LandSplit.fitted(sales.frame, sales.price * np.exp(level), place, work)
