"""The trained model of a county: from what is known of properties to their log prices at the index's base month."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processor.valuation.frame import Floats, Ints
from processor.valuation.model.additive import Additive
from processor.valuation.model.evidence import FEATURES, Evidence, Neighbours
from processor.valuation.model.features import Inputs, Plan
from processor.valuation.model.jit import compiled
from processor.valuation.model.market import Index
from processor.valuation.model.space import Projection, Space
from processor.valuation.model.trees import Explanation, Small, Trees

Words = NDArray[np.uint64]

NEARBY_SALES: Final = "nearby_sales"
LOCATION: Final = "location"
NOWHERE: Final = -1
"""The area column of a county whose sales name no areas."""


@dataclass(frozen=True, slots=True)
class Places:
    """What a location is worth: the area's effect and rate (by code), and distances to dear ``centres`` [m, 2] in km.

    ``area`` is the category that names areas, ``NOWHERE`` where there is none.
    """

    area: int
    effect: Floats
    rate: Floats
    centres: Floats

    def features(self, inputs: Inputs, position: Floats) -> Floats:
        """Return [n, 2 + m]; the training rows' first two columns are learned out of fold instead."""
        return _placed(inputs.codes, self.area, self.effect, self.rate, (position, self.centres))


@dataclass(frozen=True, slots=True)
class Reading:
    """Properties as the models see them, row by row."""

    inputs: Inputs
    effects: Floats
    """Hedonic effects of the numbers [n, P]."""
    position: Floats
    place: Floats
    """Effect of the hedonic's surface [n]."""
    points: Floats
    kind: Ints
    near: Neighbours
    alike: Neighbours
    matrix: Floats
    """Features of the trees [n, F]."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything but the trees: how properties are read and set beside the sales."""

    plan: Plan
    hedonic: Additive
    index: Index
    projection: Projection | None
    space: Space
    evidence: Evidence
    encodings: tuple[Floats, ...]
    places: Places

    def names(self) -> tuple[str, ...]:
        """Return the names of the features, in the order of the matrix."""
        categories = (f"{category.name}_level" for category in self.plan.categories)
        centres = (f"centre_{at + 1}_km" for at in range(len(self.places.centres)))
        return (*self.plan.numeric, *categories, "area_effect", "area_rate", *centres, *FEATURES)

    def groups(self) -> tuple[tuple[str, ...], Small]:
        """Return the lines that explanations have, and for each feature the line it counts in."""
        located = set() if self.projection is None else set(self.projection.columns)
        lines = [LOCATION if column in located else name for column, name in enumerate(self.plan.numeric)]
        for column, category in enumerate(self.plan.categories):
            lines.append(LOCATION if column == self.places.area else category.name)
        lines += [LOCATION] * (2 + len(self.places.centres)) + [NEARBY_SALES] * len(FEATURES)
        order = tuple(dict.fromkeys(lines))
        return order, np.array([order.index(line) for line in lines], dtype=np.int32)

    def position(self, inputs: Inputs) -> Floats:
        """Return where properties lie, in km [n, 2]."""
        if self.projection is None:
            return np.full((len(inputs.numbers), 2), np.nan)
        return self.projection.position(inputs.numbers)

    def read(self, inputs: Inputs) -> Reading:
        """Set properties beside the sales."""
        scaled = self.hedonic.curves.scaled(inputs.numbers)
        effects = self.hedonic.curves.effects(scaled)
        position = self.position(inputs)
        points = self.space.locate(scaled, inputs, position)
        kind = kinds(inputs)
        near, alike = self.evidence.on_map(position), self.evidence.in_space(points)
        matrix = self.matrix(
            inputs,
            np.stack([code[inputs.codes[:, at]] for at, code in enumerate(self.encodings)], axis=1)
            if self.encodings
            else np.empty((len(kind), 0)),
            self.places.features(inputs, position),
            self.evidence.features(near, alike, kind),
        )
        place = self.hedonic.surface.at(position)
        return Reading(inputs, effects, position, place, points, kind, near, alike, matrix)

    @staticmethod
    def matrix(inputs: Inputs, encoded: Floats, places: Floats, nearby: Floats) -> Floats:
        """Lay the features side by side in the order of ``names``."""
        return np.concatenate([inputs.numbers, encoded, places, nearby], axis=1)


@dataclass(frozen=True, slots=True)
class Model:
    """Surroundings and what reads them: a ``share`` of the hedonic, and the trees grown on what that share leaves.

    ``line_of_number`` [P] and ``line_of_category`` [C] name the explanation lines of the hedonic's effects, ``usual``,
    ``usual_levels`` and ``usual_place`` their means over the training sales; the surface counts as location.
    """

    surroundings: Surroundings
    trees: Trees
    explanation: Explanation
    share: float
    line_of_number: Ints
    line_of_category: Ints
    usual: Floats
    usual_levels: Floats
    line_of_place: int
    usual_place: float

    @property
    def base(self) -> float:
        """The log price of the typical sale, from which the lines of an explanation lead to each property's."""
        usual = float(self.usual.sum()) + float(self.usual_levels.sum()) + self.usual_place
        return self.explanation.expected + self.share * (self.surroundings.hedonic.intercept + usual)

    def lines(self, reading: Reading, n_lines: int) -> Floats:
        """Return [n, lines]: what each line adds to ``base``; their sum is the log price at the index's base month."""
        lines = self.explanation.contributions(self.trees, reading.matrix, n_lines)
        _add_effects(lines, reading.effects, self.usual, self.line_of_number, self.share)
        for column, line in enumerate(self.line_of_category.tolist()):
            level = self.surroundings.hedonic.levels[column][reading.inputs.codes[:, column]]
            lines[:, line] += self.share * (level - self.usual_levels[column])
        lines[:, self.line_of_place] += self.share * (reading.place - self.usual_place)
        return lines

    def log_price(self, reading: Reading) -> Floats:
        """Return log prices at the index's base month, without explaining them."""
        hedonic = self.surroundings.hedonic.predict(reading.inputs, reading.effects, reading.place)
        return self.trees.predict(reading.matrix) + self.share * hedonic


def kinds(inputs: Inputs) -> Ints:
    """Return a hash of each row, never negative: equal for properties that the models cannot tell apart."""
    return np.asarray(_hash((inputs.numbers + 0.0).view(np.uint64), inputs.codes.astype(np.uint64)).astype(np.int64))


@compiled
def _add_effects(lines: Floats, effects: Floats, usual: Floats, line_of: Ints, share: float) -> None:
    """Add to each line a share of what the effects that count in it differ from the usual ones."""
    for i in range(len(effects)):
        for p in range(len(usual)):
            lines[i, line_of[p]] += share * (effects[i, p] - usual[p])


@compiled
def _placed(codes: Ints, area: int, effect: Floats, rate: Floats, ways: tuple[Floats, Floats]) -> Floats:
    position, centres = ways
    out = np.full((len(position), 2 + len(centres)), np.nan)
    for i in range(len(position)):
        if area != NOWHERE:
            out[i, 0] = effect[codes[i, area]]
            out[i, 1] = rate[codes[i, area]]
        for c in range(len(centres)):
            east, north = position[i, 0] - centres[c, 0], position[i, 1] - centres[c, 1]
            out[i, 2 + c] = np.sqrt(east * east + north * north)
    return out


@compiled
def _hash(numbers: Words, codes: Words) -> Words:
    """Mix the words of each row (splitmix64, Steele et al. 2014)."""
    out = np.empty(len(numbers), np.uint64)
    for i in range(len(numbers)):
        state = np.uint64(0)
        for j in range(numbers.shape[1] + codes.shape[1]):
            word = numbers[i, j] if j < numbers.shape[1] else codes[i, j - numbers.shape[1]]
            state = (state ^ word) + np.uint64(0x9E3779B97F4A7C15)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state ^= state >> np.uint64(31)
        out[i] = state >> np.uint64(1)
    return out
