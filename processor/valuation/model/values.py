"""From what was found out about a batch to its values: approaches, reconciliation, interval, ladder."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from processor.valuation.frame import Floats, Ints
from processor.valuation.model.case import FEWEST_COMPARABLES, Case, cost_parts, opinion
from processor.valuation.model.county import CountyModel
from processor.valuation.neighbours import NOBODY

RECONCILED: Final = "reconciled"
MODEL: Final = "model"
COMPARABLES: Final = "sales_comparison"
COST: Final = "cost"
METHODS: Final = (RECONCILED, MODEL, COMPARABLES, COST)
_HINTS: Final = {
    **dict.fromkeys(("", RECONCILED, "reconciliation"), RECONCILED),
    **dict.fromkeys((MODEL, "avm", "automated", "automated_valuation_model", "regression", "mass_appraisal"), MODEL),
    **dict.fromkeys((COMPARABLES, "comparables", "comparable_sales", "comparison", "sales", "market"), COMPARABLES),
    **dict.fromkeys((COST, "cost_approach"), COST),
}
_UNKNOWN: Final = -1


@dataclass(frozen=True, slots=True)
class Values:
    """Dollars per row: the base, each approach [n, methods] (NaN where it cannot be applied), and the one reported.

    ``method`` is the position in ``METHODS`` of the approach reported; ``down`` and ``up`` say how far the 90 %
    interval reaches, ``half68`` is the half-width of the 68 % interval, in log price; ``differs`` is by how much the
    second opinion differs, in log price; ``land_share`` is what part of the value the land has.
    """

    base: Floats
    approaches: Floats
    weights: Floats
    method: Ints
    value: Floats
    down: Floats
    up: Floats
    half68: Floats
    differs: Floats
    land_share: Floats


def wanted(hints: Sequence[str | None]) -> Ints:
    """Return the method each hint names, -1 where it names none that exists here."""
    found = [RECONCILED if hint is None else _HINTS.get(_normal(hint)) for hint in hints]
    return np.array([_UNKNOWN if name is None else METHODS.index(name) for name in found], dtype=np.int64)


def _normal(hint: str) -> str:
    return hint.strip().lower().replace("-", "_").replace(" ", "_")


def values(county: CountyModel, case: Case, level: Floats, method: Ints) -> Values:
    """Value a batch at log market ``level`` [n] by the ``method`` wanted, else by the next one that can be applied."""
    surroundings = county.model.surroundings
    base = np.exp(county.model.base + level)
    modelled = np.exp(case.log_price + level)
    compared = modelled * np.exp(case.departure)
    enough = (case.best.sale != NOBODY).sum(axis=1) >= FEWEST_COMPARABLES
    place, work = cost_parts(surroundings, case.reading)
    cost, share = county.split.cost_and_share(case.frame, place, work)
    cost = cost * np.exp(level)
    approaches = np.stack(
        [
            np.where(enough, county.share * compared + (1.0 - county.share) * modelled, np.nan),
            modelled,
            np.where(enough, compared, np.nan),
            np.where(cost > 0, cost, np.nan),
        ],
        axis=1,
    )
    chosen = _applied(approaches, method)
    weights = np.zeros(approaches.shape)
    weights[:, 1], weights[:, 2] = np.where(enough, 1.0 - county.share, 1.0), np.where(enough, county.share, 0.0)
    differs = np.abs(opinion(surroundings, case.reading) - case.log_price)
    doubt = np.sqrt(case.assessment.variance + county.method_sd[chosen] ** 2)
    down, up, half68 = county.spread.halves(case.log_price, case.size, doubt)
    value = approaches[np.arange(len(chosen)), chosen]
    return Values(base, approaches, weights, chosen, value, down, up, half68, differs, share)


def _applied(approaches: Floats, method: Ints) -> Ints:
    """Go down the ladder: the method wanted, then reconciled, model, comparables, cost."""
    there = ~np.isnan(approaches)
    ladder = np.argmax(there, axis=1)
    asked = np.where(method == _UNKNOWN, 0, method)
    return np.where(there[np.arange(len(asked)), asked], asked, ladder)
