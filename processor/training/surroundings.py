"""Learning how a county's properties are read: hedonic, encodings, dear centres, the neighbours of every sale.

Whatever a training row is told about prices comes from the other folds, or the trees would learn to trust evidence that
an unsold property cannot have. Folds keep the sales of one property together.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from processor.training import centres, encoding, hedonic
from processor.training.screening import TrainingSales
from processor.valuation.frame import Floats, Ints, Objects
from processor.valuation.model.additive import Additive
from processor.valuation.model.evidence import FEATURES, Evidence
from processor.valuation.model.features import Inputs, Plan
from processor.valuation.model.market import Index
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


@dataclass(frozen=True, slots=True)
class Learned:
    """Surroundings, and for the sales they were learned from: fold, time-adjusted log price, features out of fold.

    ``hedonic`` is the log price by a hedonic that had not seen the sale's fold.
    """

    surroundings: Surroundings
    inputs: Inputs
    fold: Ints
    target: Floats
    matrix: Floats
    hedonic: Floats


@dataclass(frozen=True, slots=True)
class _Draft:
    """The sales after the hedonic: what it makes of them, where they are, and in which fold."""

    plan: Plan
    inputs: Inputs
    property_id: Objects
    fold: Ints
    target: Floats
    hedonic: Additive
    index: Index
    ridge: float
    scaled: Floats
    effects: Floats
    residual: Floats
    projection: Projection | None
    position: Floats
    area: int

    @property
    def rate(self) -> Floats:
        """The log price per square foot (NaN where the area is unknown), the log price where areas are not recorded."""
        if "living_area_sqft" not in self.plan.numeric:
            return self.target
        area = self.inputs.numbers[:, self.plan.numeric.index("living_area_sqft")]
        return self.target - np.log(np.where(area > 0, area, np.nan))


def folds(property_id: Objects, seed: int = 0) -> Ints:
    """Deal properties into folds; all sales of one property share one."""
    names, property_of = np.unique(property_id.astype(str), return_inverse=True)
    return np.random.default_rng(seed).permutation(len(names))[property_of] % FOLDS


def learn(sales: TrainingSales) -> Learned:
    """Learn the surroundings of the trees from sales; the order of the rows counts, so bring them sorted."""
    draft = _drafted(sales)
    evidence = _evidence(draft)
    told = _told(draft, evidence, sales.day)
    worth = np.nan_to_num(told.placed[:, 0]) + told.nearby[:, FEATURES.index("nearest_60_residual")]
    places = _places(draft, centres.find(draft.position, worth))
    placed = np.concatenate([told.placed, places.features(draft.inputs, draft.position)[:, 2:]], axis=1)
    encodings, encoded = _encodings(draft)
    return Learned(
        Surroundings(
            draft.plan, draft.hedonic, draft.index, draft.projection, _space(draft), evidence, encodings, places
        ),
        draft.inputs,
        draft.fold,
        draft.target,
        Surroundings.matrix(draft.inputs, encoded, placed, told.nearby),
        told.hedonic,
    )


def _drafted(sales: TrainingSales) -> _Draft:
    plan, inputs = sales.plan, sales.inputs
    fitted = hedonic.fit(plan, inputs, sales.day, np.log(sales.price))
    position = hedonic.positions(fitted.projection, inputs)
    target = np.log(sales.price) - fitted.index.at(sales.day)
    scaled = fitted.additive.curves.scaled(inputs.numbers)
    effects = fitted.additive.curves.effects(scaled)
    return _Draft(
        plan,
        inputs,
        sales.property_id,
        folds(sales.property_id),
        target,
        fitted.additive,
        fitted.index,
        fitted.ridge,
        scaled,
        effects,
        target - fitted.additive.predict(inputs, effects, fitted.additive.surface.at(position)),
        fitted.projection,
        position,
        _area(plan, inputs, fitted.additive.levels),
    )


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


def _evidence(draft: _Draft) -> Evidence:
    space = _space(draft)
    points = space.locate(draft.scaled, draft.inputs, draft.position)
    kind = _lone_kinds(draft.inputs, draft.property_id)
    return Evidence(
        draft.position, points, draft.rate, np.clip(draft.residual, -_CLIP, _CLIP), kind, _reach(draft.position)
    )


def _reach(position: Floats) -> float:
    located = position[~np.isnan(position[:, 0])]
    if len(located) <= _REACH_SALES:
        return 1.0
    distance, _ = cKDTree(located).query(located, k=[_REACH_SALES + 1])
    return round(max(_REACH_SHARE * float(np.median(distance)), _LEAST_REACH_KM), 6)


def _space(draft: _Draft) -> Space:
    """Weigh the numbers that matter most: one unit is about a tenth of the price, at most 1.7 deviations."""
    matter = draft.effects.std(axis=0)
    matter[[name in hedonic.COORDINATES for name in draft.plan.numeric]] = 0.0
    columns = np.sort(np.argsort(-matter, kind="stable")[:_SPACE_NUMBERS])
    spread = np.fmax(np.nanstd(draft.scaled[:, columns], axis=0), 1e-9)
    weight = (_LEAST_WEIGHT + matter[columns] / _LOG_PRICE_PER_UNIT) / spread
    categories = [] if draft.area == NOWHERE or draft.projection is not None else [draft.area]
    return Space(
        columns,
        np.nanmedian(draft.scaled[:, columns], axis=0),
        weight,
        np.array(categories, dtype=np.int64),
        tuple(draft.hedonic.levels[column] / _LOG_PRICE_PER_UNIT for column in categories),
        _reach(draft.position),
    )


def _lone_kinds(inputs: Inputs, property_id: Objects) -> Ints:
    """Return the kind of each sale, -1 where more than one property is of that kind."""
    kind = kinds(inputs)
    owner = np.unique(property_id.astype(str), return_inverse=True)[1]
    pairs = np.unique(np.stack([kind, owner], axis=1), axis=0)
    names, owners = np.unique(pairs[:, 0], return_counts=True)
    return np.where(np.isin(kind, names[owners > 1]), -1, kind)


@dataclass(frozen=True, slots=True)
class _Told:
    """What training rows are told about prices, by the other folds alone.

    ``hedonic`` is a log price, ``nearby`` [n, FEATURES] what neighbours fetched, ``placed`` [n, 2] the worth of areas.
    """

    hedonic: Floats
    nearby: Floats
    placed: Floats


def _told(draft: _Draft, evidence: Evidence, day: Ints) -> _Told:
    n = len(draft.fold)
    told = _Told(np.empty(n), np.empty((n, len(FEATURES))), np.full((n, 2), np.nan))
    kind = kinds(draft.inputs)
    for part in range(FOLDS):
        inside, rest = np.flatnonzero(draft.fold == part), np.flatnonzero(draft.fold != part)
        known, asked = draft.inputs.take(rest), draft.inputs.take(inside)
        fitted = hedonic.fit(draft.plan, known, day[rest], draft.target[rest], draft.ridge)
        told.hedonic[inside] = fitted.predict(asked)
        residual = draft.target[rest] - fitted.predict(known)
        others = replace(evidence.take(rest), residual=np.clip(residual, -_CLIP, _CLIP))
        near, alike = others.on_map(evidence.position[inside]), others.in_space(evidence.space[inside])
        told.nearby[inside] = others.features(near, alike, kind[inside])
        if draft.area != NOWHERE:
            worth = residual + fitted.additive.levels[draft.area][known.codes[:, draft.area]]
            told.placed[inside] = _area_means(draft, rest, worth)[asked.codes[:, draft.area]]
    return told


def _area_means(draft: _Draft, rows: Ints, worth: Floats) -> Floats:
    """Return per area code [codes, 2] the mean of what the sales at ``rows`` were worth beyond, and of their rate."""
    codes, size = draft.inputs.codes[rows, draft.area], draft.plan.categories[draft.area].size
    rate = draft.rate[rows]
    known = np.where(np.isnan(rate), np.nanmean(rate), rate)
    return np.stack([encoding.level_means(codes, of, size, _AREA_PRIOR) for of in (worth, known)], axis=1)


def _places(draft: _Draft, dear: Floats) -> Places:
    if draft.area == NOWHERE:
        return Places(NOWHERE, np.zeros(1), np.zeros(1), dear)
    everyone = np.arange(len(draft.fold))
    worth = draft.residual + draft.hedonic.levels[draft.area][draft.inputs.codes[:, draft.area]]
    means = _area_means(draft, everyone, worth)
    return Places(draft.area, means[:, 0].copy(), means[:, 1].copy(), dear)


def _encodings(draft: _Draft) -> tuple[tuple[Floats, ...], Floats]:
    tables, columns = [], []
    for column, category in enumerate(draft.plan.categories):
        codes = draft.inputs.codes[:, column]
        tables.append(encoding.level_means(codes, draft.target, category.size))
        columns.append(encoding.out_of_fold(codes, draft.target, category.size, draft.fold))
    return tuple(tables), np.stack(columns, axis=1) if columns else np.empty((len(draft.fold), 0))
