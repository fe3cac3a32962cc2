"""Learning how a county's properties are read: hedonic, encodings, dear centres, the neighbours of every sale.

Whatever a training row is told about prices comes from the other folds, or the trees would learn to trust evidence that
an unsold property cannot have. Folds keep the sales of one property together.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from processor.training import centres, encoding, hedonic
from processor.valuation.frame import Floats, Ints, Objects
from processor.valuation.model.evidence import FEATURES, Evidence
from processor.valuation.model.features import Inputs, Plan
from processor.valuation.model.model import NOWHERE, Places, Surroundings, kinds
from processor.valuation.model.space import Projection, Space

FOLDS: Final = 5
_CLIP: Final = 0.6
_REACH_SALES: Final = 15
_REACH_SHARE: Final = 1.8
"""One unit of the comparable space is this many times the median distance to the 15th nearest sale."""
_LEAST_REACH_KM: Final = 0.1
_SPACE_NUMBERS: Final = 8
_LEAST_WEIGHT: Final = 0.6
_LOG_PRICE_PER_UNIT: Final = 0.09
_AREA_LEVELS: Final = 5
_AREA_PRIOR: Final = 2.0
_LOCATED: Final = 0.5


@dataclass(frozen=True, slots=True)
class Learned:
    """Surroundings, and for the sales they were learned from: fold, time-adjusted log price, features out of fold."""

    surroundings: Surroundings
    fold: Ints
    target: Floats
    matrix: Floats


def folds(property_id: Objects, seed: int = 0) -> Ints:
    """Deal properties into folds; all sales of one property share one."""
    names, property_of = np.unique(property_id.astype(str), return_inverse=True)
    return np.random.default_rng(seed).permutation(len(names))[property_of] % FOLDS


def learn(plan: Plan, inputs: Inputs, day: Ints, price: Floats, property_id: Objects) -> Learned:
    """Learn the surroundings of the trees from sales; the order of the rows counts, so bring them sorted."""
    log_price, fold = np.log(price), folds(property_id)
    fitted = hedonic.fit(plan, inputs, day, log_price)
    target = log_price - fitted.index.at(day)
    curves = fitted.additive.curves
    scaled = curves.scaled(inputs.numbers)
    effects = curves.effects(scaled)
    residual = target - fitted.additive.predict(inputs, effects)
    projection = _projection(plan, inputs.numbers)
    position = np.full((len(day), 2), np.nan) if projection is None else projection.position(inputs.numbers)
    reach = _reach(position)
    area = _area(plan, inputs, fitted.additive.levels)
    space = _space(plan, scaled, effects, fitted.additive.levels, reach, area, located=projection is not None)
    rate = target - _log_area(plan, inputs.numbers)
    kind = _lone_kinds(inputs, property_id)
    points = space.locate(scaled, inputs, position)
    evidence = Evidence(position, points, rate, np.clip(residual, -_CLIP, _CLIP), kind, reach)
    nearby = _nearby(evidence, kinds(inputs), fold)
    places, placed = _places(plan, inputs, area, fitted.additive.levels, residual, rate, fold)
    dear = centres.find(position, placed[:, 0] + nearby[:, FEATURES.index("nearest_60_residual")])
    places = Places(places.area, places.effect, places.rate, dear)
    placed = np.concatenate([placed, places.features(inputs, position)[:, 2:]], axis=1)
    encodings, encoded = _encodings(plan, inputs, target, fold)
    surroundings = Surroundings(plan, fitted.additive, fitted.index, projection, space, evidence, encodings, places)
    return Learned(surroundings, fold, target, Surroundings.matrix(inputs, encoded, placed, nearby))


def _projection(plan: Plan, numbers: Floats) -> Projection | None:
    if not {"latitude", "longitude"} <= set(plan.numeric):
        return None
    columns = plan.numeric.index("latitude"), plan.numeric.index("longitude")
    if np.isnan(numbers[:, columns]).any(axis=1).mean() > 1 - _LOCATED:
        return None
    return Projection.around(columns, numbers)


def _reach(position: Floats) -> float:
    located = position[~np.isnan(position[:, 0])]
    if len(located) <= _REACH_SALES:
        return 1.0
    distance, _ = cKDTree(located).query(located, k=[_REACH_SALES + 1])
    return round(max(_REACH_SHARE * float(np.median(distance)), _LEAST_REACH_KM), 6)


def _log_area(plan: Plan, numbers: Floats) -> Floats:
    """Return the log of the living area, NaN where unknown; 0 in a county that does not record it."""
    if "living_area_sqft" not in plan.numeric:
        return np.zeros(len(numbers))
    area = numbers[:, plan.numeric.index("living_area_sqft")]
    return np.log(np.where(area > 0, area, np.nan))


def _area(plan: Plan, inputs: Inputs, levels: tuple[Floats, ...]) -> int:
    """Choose the category that names areas: the county's neighborhood, else the one whose levels tell most."""
    spread = [
        float(levels[column][inputs.codes[:, column]].std()) if len(category.levels) >= _AREA_LEVELS else 0.0
        for column, category in enumerate(plan.categories)
    ]
    for column, category in enumerate(plan.categories):
        if category.name == "neighborhood" and spread[column] > 0:
            return column
    return int(np.argmax(spread)) if spread and max(spread) > 0 else NOWHERE


def _space(
    plan: Plan,
    scaled: Floats,
    effects: Floats,
    levels: tuple[Floats, ...],
    reach: float,
    area: int,
    *,
    located: bool,
) -> Space:
    """Weigh the numbers that matter most; one unit is about a tenth of the price, never less than most of their spread."""
    matter = effects.std(axis=0)
    for column, name in enumerate(plan.numeric):
        if name in {"latitude", "longitude"}:
            matter[column] = 0.0
    columns = np.sort(np.argsort(-matter, kind="stable")[:_SPACE_NUMBERS])
    spread = np.fmax(np.nanstd(scaled[:, columns], axis=0), 1e-9)
    weight = (_LEAST_WEIGHT + matter[columns] / _LOG_PRICE_PER_UNIT) / spread
    categories = [] if area == NOWHERE or located else [area]
    places = tuple(levels[column] / _LOG_PRICE_PER_UNIT for column in categories)
    return Space(
        columns, np.nanmedian(scaled[:, columns], axis=0), weight, np.array(categories, dtype=np.int64), places, reach
    )


def _lone_kinds(inputs: Inputs, property_id: Objects) -> Ints:
    """Return the kind of each sale, -1 where more than one property is of that kind."""
    kind = kinds(inputs)
    pairs = np.unique(np.stack([kind, np.unique(property_id.astype(str), return_inverse=True)[1]], axis=1), axis=0)
    names, owners = np.unique(pairs[:, 0], return_counts=True)
    shared = names[owners > 1]
    return np.where(np.isin(kind, shared), -1, kind)


def _nearby(evidence: Evidence, kind: Ints, fold: Ints) -> Floats:
    nearby = np.empty((len(kind), len(FEATURES)))
    for part in range(FOLDS):
        inside, others = np.flatnonzero(fold == part), evidence.take(np.flatnonzero(fold != part))
        near, alike = others.on_map(evidence.position[inside]), others.in_space(evidence.space[inside])
        nearby[inside] = others.features(near, alike, kind[inside])
    return nearby


def _places(
    plan: Plan,
    inputs: Inputs,
    area: int,
    levels: tuple[Floats, ...],
    residual: Floats,
    rate: Floats,
    fold: Ints,
) -> tuple[Places, Floats]:
    """Return what areas are worth, and for the training rows the same out of fold [n, 2]."""
    none = np.zeros((0, 2))
    if area == NOWHERE:
        return Places(NOWHERE, np.zeros(1), np.zeros(1), none), np.full((len(fold), 2), np.nan)
    codes, size = inputs.codes[:, area], plan.categories[area].size
    worth = residual + levels[area][codes]
    rate = np.where(np.isnan(rate), np.nanmean(rate), rate)
    effect, own_rate = (encoding.level_means(codes, of, size, _AREA_PRIOR) for of in (worth, rate))
    columns = [encoding.out_of_fold(codes, of, size, fold, _AREA_PRIOR) for of in (worth, rate)]
    return Places(area, effect, own_rate, none), np.stack(columns, axis=1)


def _encodings(plan: Plan, inputs: Inputs, target: Floats, fold: Ints) -> tuple[tuple[Floats, ...], Floats]:
    tables, columns = [], []
    for column, category in enumerate(plan.categories):
        codes = inputs.codes[:, column]
        tables.append(encoding.level_means(codes, target, category.size))
        columns.append(encoding.out_of_fold(codes, target, category.size, fold))
    return tuple(tables), np.stack(columns, axis=1) if columns else np.empty((len(fold), 0))
