"""A batch of values with everything that explains them: what an engine hands to the renderer."""

from collections.abc import Mapping
from dataclasses import dataclass

from processor.valuation.frame import Floats, Ints, Objects
from processor.valuation.plausibility import Bools


@dataclass(frozen=True, slots=True)
class Grid:
    """The comparables of each subject, best first, [n, 5]: rows of the engine's sales, -1 beyond the last.

    ``time`` is the log change of the market since the sale, ``effects`` [n, 5, features] the subject's effects minus
    the comparable's, ``weight`` each one's share (they add up to 1), ``distance`` dimensionless.
    """

    sale: Ints
    time: Floats
    effects: Floats
    weight: Floats
    distance: Floats


@dataclass(frozen=True, slots=True)
class Approach:
    """One approach to value: its dollars and its weight for every row, and in words what it rests on."""

    value: Floats
    weight: Floats
    evidence: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the engine read: numbers [n, features] (NaN: none to show), texts as JSON by feature position.

    ``digest`` is a hash of a row's inputs, ``imputed`` [n, features] tells which were unknown.
    """

    numbers: Floats
    texts: Mapping[int, Objects]
    digest: Objects
    imputed: Bools


@dataclass(frozen=True, slots=True)
class Market:
    """The price level at each row's valuation date, 1 at the index's first month.

    ``details`` holds further members of each row's ``market_index`` as JSON, each led by a comma, where there are any.
    """

    level: Floats
    extrapolated: Bools
    details: Objects | bytes = b""


@dataclass(frozen=True, slots=True)
class Explained:
    """``n`` values; amounts in dollars, effects in log price.

    ``modelled`` = base x exp(sum of effects); ``value`` - ``modelled`` is the local correction. ``flags`` marks rows by
    name, ``method`` is each row's method as JSON.
    """

    day: Ints
    method: Objects
    base: Floats
    effects: Floats
    modelled: Floats
    value: Floats
    low: Floats
    high: Floats
    fsd: Floats
    grid: Grid
    approaches: Mapping[str, Approach]
    land_share: Floats
    market: Market
    inputs: Inputs
    flags: Mapping[str, Bools]
