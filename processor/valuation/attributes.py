"""How the columns of a county become terms of its hedonic, whatever columns it has.

A number becomes a piecewise linear curve (of its logarithm where it is skewed), a text one effect per frequent level.
Everything is scaled robustly from the county's own sales; nothing is known here about any county.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np

from processor.valuation.frame import Floats, Frame, Ints
from processor.valuation.plausibility import Bools, none_of

_NO_ATTRIBUTES: Final = frozenset({"latitude", "longitude", "assessed_value", "address"})
"""Location enters through the surface; a value of the office's own would make the appraisal chase itself."""

_LOGARITHMIC: Final = frozenset({"living_area_sqft", "lot_size_sqft"})
_SKEWED: Final = 10.0
_FEWEST_KNOWN: Final = 3
_NO_SPREAD: Final = 1e-9
_FEW_VALUES: Final = 12
_SALES_FOR_CURVES: Final = 150
_CURVE_COLUMNS: Final = 160
_INNER_KNOTS: Final = (0.15, 0.4, 0.65, 0.9)
_CLOSEST_KNOTS: Final = 0.15
_LEVEL_COLUMNS: Final = 160
_FEWEST_IN_LEVEL: Final = 3
_FEWEST_MISSING: Final = 10

_PRIOR_ELASTICITY: Final = {"living_area_sqft": 0.6, "lot_size_sqft": 0.08}
"""What a per cent more of it adds to the price in per cent, believed until the county's sales say otherwise."""


@dataclass(frozen=True, slots=True)
class NumericAttribute:
    """A number, scaled to mean 0 and deviation 1 over the sales; its curve's knots and its range in those units."""

    name: str
    logarithmic: bool
    centre: float
    spread: float
    knots: Floats
    missing_counts: bool
    lowest: float
    highest: float

    def columns(self, scaled: Floats) -> Floats:
        """Return the terms [n, terms]: a line, a hinge at each inner knot, and one for "unknown" if that is common."""
        unknown = np.isnan(scaled)
        line = np.clip(np.where(unknown, 0.0, scaled), self.knots[0], self.knots[-1])
        terms = [line, *(np.fmax(line - knot, 0.0) for knot in self.knots[1:-1])]
        if self.missing_counts:
            terms = [np.where(unknown, 0.0, term) for term in terms]
            terms.append(unknown.astype(float))
        return np.column_stack(terms)

    @property
    def terms(self) -> int:
        """The number of terms: a line, the inner knots, and "unknown" if that is one."""
        return len(self.knots) - 1 + self.missing_counts

    def prior(self) -> Floats:
        """Return the coefficients believed before any sale is seen."""
        believed = np.zeros(self.terms)
        believed[0] = _PRIOR_ELASTICITY.get(self.name, 0.0) * self.spread
        return believed


@dataclass(frozen=True, slots=True)
class TextAttribute:
    """A text, its frequent levels ("unknown", None, may be one), and every level seen in the sales."""

    name: str
    levels: tuple[str | None, ...]
    codes_by_level: dict[str | None, int]
    seen: frozenset[str | None]

    def codes(self, frame: Frame) -> Ints:
        """Return each row's level as its position in ``levels``, ``len(levels)`` for every other text."""
        rest = len(self.levels)
        known = self.codes_by_level.get
        return np.array([known(level, rest) for level in frame.words(self.name).tolist()], dtype=np.int64)

    def columns(self, codes: Ints) -> Floats:
        """Return one indicator [n, levels] per level."""
        return np.asarray(codes[:, None] == np.arange(len(self.levels)), dtype=np.float64)


def transformed(column: Floats, *, logarithmic: bool) -> Floats:
    """Return the column or its logarithm, NaN where there is none."""
    if not logarithmic:
        return np.where(np.isfinite(column), column, np.nan)
    positive = np.isfinite(column) & (column > 0)
    return np.where(positive, np.log(np.where(positive, column, 1.0)), np.nan)


def numeric_attributes(frame: Frame) -> tuple[NumericAttribute, ...]:
    """Describe every number of the sales that varies, in the order of the names."""
    names = [name for name in sorted(frame.numeric) if name not in _NO_ATTRIBUTES]
    inner = min(len(_INNER_KNOTS), max(_CURVE_COLUMNS // max(len(names), 1) - 1, 0))
    inner = inner if frame.n >= _SALES_FOR_CURVES else 0
    described = (_numeric_attribute(name, frame.numeric[name], inner) for name in names)
    return tuple(attribute for attribute in described if attribute is not None)


def _numeric_attribute(name: str, column: Floats, inner: int) -> NumericAttribute | None:
    logarithmic = name in _LOGARITHMIC or _is_skewed(column)
    values = transformed(column, logarithmic=logarithmic)
    known = values[~np.isnan(values)]
    if len(known) < _FEWEST_KNOWN:
        return None
    centre, spread = float(known.mean()), float(known.std())
    if spread <= _NO_SPREAD * (1.0 + abs(centre)):
        return None
    scaled = (known - centre) / spread
    missing = len(column) - len(known)
    return NumericAttribute(
        name,
        logarithmic,
        centre,
        spread,
        _knots(scaled, inner),
        missing_counts=missing >= _FEWEST_MISSING and len(known) >= _FEWEST_MISSING,
        lowest=float(scaled.min()),
        highest=float(scaled.max()),
    )


def _is_skewed(column: Floats) -> bool:
    known = column[np.isfinite(column)]
    if len(known) < _FEWEST_KNOWN or known.min() <= 0:
        return False
    low, high = np.quantile(known, [0.01, 0.99])
    return bool(high > _SKEWED * low)


def _knots(scaled: Floats, inner: int) -> Floats:
    """Return the ends of the curve (beyond them it is flat) and up to ``inner`` knots between, well apart."""
    values = np.unique(scaled)
    low, high = (float(end) for end in np.quantile(scaled, [0.005, 0.995]))
    if len(values) <= _FEW_VALUES or low == high:
        low, high = float(values[0]), float(values[-1])
    knots = [low]
    for knot in np.quantile(scaled, _INNER_KNOTS[:inner]).tolist() if inner else []:
        if knot - knots[-1] > _CLOSEST_KNOTS and high - knot > _CLOSEST_KNOTS:
            knots.append(knot)
    return np.array([*knots, high])


def text_attributes(frame: Frame) -> tuple[TextAttribute, ...]:
    """Describe every text of the sales by its most frequent levels, in the order of the names."""
    counts: list[tuple[int, str, str | None]] = []
    for name in sorted(frame.text):
        if name not in _NO_ATTRIBUTES:
            levels = Counter(frame.text[name].tolist())
            frequent = [(level, count) for level, count in levels.items() if count >= _FEWEST_IN_LEVEL]
            counts += [(count, name, level) for level, count in frequent if count < frame.n]
    counts.sort(key=lambda row: (-min(row[0], frame.n - row[0]), row[1], row[2] is not None, row[2] or ""))
    chosen: dict[str, list[str | None]] = {}
    for _, name, level in counts[:_LEVEL_COLUMNS]:
        chosen.setdefault(name, []).append(level)
    return tuple(
        TextAttribute(
            name,
            tuple(levels),
            {level: code for code, level in enumerate(levels)},
            frozenset(frame.text[name].tolist()) | {None},
        )
        for name, levels in sorted(chosen.items())
    )


def unknown(frame: Frame, name: str) -> Bools:
    """Tell where a text is unknown."""
    return none_of(frame.words(name))
