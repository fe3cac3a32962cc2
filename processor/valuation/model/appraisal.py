"""The mass-appraisal engine: values properties by a trained model, explains every dollar, and says how sure it is.

value = share x comparables + (1 - share) x model, both at the level that the newest sales show. Comparables are
adjusted by the differences of the model's own contributions, so the grid, the model and the value are one arithmetic.
"""

from copy import copy
from functools import lru_cache
from typing import Final, Self

import numpy as np
import orjson

from processor.valuation.explanation import Approach, Explained, Grid, Inputs, Market
from processor.valuation.frame import Floats, InsufficientData, Ints, Objects, Sales, Subjects
from processor.valuation.model.bundle import Bundle
from processor.valuation.model.case import Case, Examiner
from processor.valuation.model.county import CountyModel
from processor.valuation.model.market import Correction, Level
from processor.valuation.model.model import LOCATION, NEARBY_SALES
from processor.valuation.model.residuals import residuals, usable
from processor.valuation.model.values import COMPARABLES, COST, METHODS, MODEL, RECONCILED, Values, values, wanted
from processor.valuation.pieces import iso_day, written
from processor.valuation.plausibility import Bools
from processor.valuation.rendering import Renderer

_CONFIDENT: Final = 0.75
_DIFFERENT_FSDS: Final = 2.0
_STALE_DAYS: Final = 90
_EVIDENCE: Final = {
    RECONCILED: "weighted mean of model and comparables",
    MODEL: "gradient-boosted trees with nearby sales as features",
    COMPARABLES: "weighted geometric mean of the comparables' adjusted prices",
    COST: "land by lot and place, building by area and workmanship, calibrated on sales",
}


class MassAppraisal:
    """Values one county's properties from a bundle and the sales known since. Immutable; conforms to ``Engine``."""

    def __init__(self, bundle: Bundle, sales: Sales | None = None, level: Level | None = None) -> None:
        """Serve a bundle at the level that ``sales`` show, or at a ``level`` computed before."""
        self._county = county = bundle.model
        self.county_id = county.county_id
        self.version = bundle.version
        self.level = level_of(county, sales) if level is None else level
        sold = county.sold
        self._sale_index = county.model.surroundings.index.at(sold.day)
        self._examiner = Examiner(county)
        self._lines = self._examiner.lines
        self._nearby = county.model.surroundings.names().index("nearest_15_rate")
        self._renderer = Renderer(self._lines, sold.sales(bundle.version), bundle.version)
        self._methods = written(METHODS)
        line_of = county.model.line_of_number
        self._shown = np.flatnonzero([self._lines[line] != LOCATION for line in line_of.tolist()])
        self._shown_lines = line_of[self._shown]

    def renewed(self, sales: Sales) -> Self:
        """Return this engine at the level that other sales show; everything else is shared."""
        fresh = copy(self)
        fresh.level = level_of(self._county, sales)
        return fresh

    def value(self, subjects: Subjects) -> list[bytes | InsufficientData]:
        """Value a batch: for each subject the ``result`` object as UTF-8 JSON, or why there is none."""
        if not len(subjects):
            return []
        case = self._examiner.examine(subjects)
        results = self._renderer.render(self._explained(case, subjects))
        refusals = case.assessment.refusal.tolist()
        return [
            result if refusal is None else InsufficientData(refusal)
            for result, refusal in zip(results, refusals, strict=True)
        ]

    def _explained(self, case: Case, subjects: Subjects) -> Explained:
        day, found = case.day, case.assessment
        level, deviation, details = self._market(day)
        found.variance += deviation**2
        asked = wanted(subjects.method_hint)
        result = values(self._county, case, level, asked)
        fsd = np.sinh(result.half68)
        found.doubt("method_hint_not_available", (result.method != asked) & named(subjects), 0.0)
        found.doubt("second_opinion_differs", result.differs > _DIFFERENT_FSDS * fsd, 0.0)
        found.doubt("review_recommended", fsd > 1.0 - _CONFIDENT, 0.0)
        stale = day > self._county.model.surroundings.index.last_day + _STALE_DAYS
        found.doubt("model_older_than_90_days", stale, 0.0)
        return Explained(
            day=day,
            method=self._methods[result.method],
            base=result.base,
            effects=case.lines,
            modelled=result.approaches[:, 1],
            value=result.value,
            low=result.value * np.exp(-result.down),
            high=result.value * np.exp(result.up),
            fsd=fsd,
            grid=self._grid(case, level),
            approaches=self._approaches(result),
            land_share=result.land_share,
            market=Market(np.exp(level), self._extrapolated(day), details),
            inputs=self._inputs(case),
            flags=found.flags,
        )

    def _market(self, day: Ints) -> tuple[Floats, Floats, Objects]:
        """Return per row the log level of the market, its deviation, and what the result says of it."""
        if (day == day[0]).all():
            days, of_row = day[:1], np.zeros(len(day), dtype=np.int64)
        else:
            days, of_row = np.unique(day, return_inverse=True)
        corrections = [self.level.on(int(one)) for one in days]
        log = np.array([one.log for one in corrections]) + self._county.model.surroundings.index.at(days)
        deviation = np.array([one.deviation for one in corrections])
        details = np.empty(len(days), dtype=object)
        details[:] = [_correction_json(one) for one in corrections]
        return log[of_row], deviation[of_row], details[of_row]

    def _extrapolated(self, day: Ints) -> Bools:
        index = self._county.model.surroundings.index
        return np.asarray((day > index.last_day) | (day < index.days[0]), dtype=np.bool_)

    def _grid(self, case: Case, level: Floats) -> Grid:
        best = case.best
        return Grid(
            sale=best.sale,
            time=level[:, None] - self._sale_index[best.sale],
            effects=case.lines[:, None, :] - self._county.sold.lines[best.sale],
            weight=best.weight,
            distance=best.distance,
        )

    @staticmethod
    def _approaches(result: Values) -> dict[str, Approach]:
        return {
            name: Approach(result.approaches[:, at], result.weights[:, at], _EVIDENCE[name])
            for at, name in enumerate(METHODS)
        }

    def _inputs(self, case: Case) -> Inputs:
        surroundings = self._county.model.surroundings
        numbers = np.full((len(case.day), len(self._lines)), np.nan)
        imputed = np.zeros(numbers.shape, dtype=bool)
        numbers[:, self._shown_lines] = case.reading.inputs.numbers[:, self._shown]
        for column in np.flatnonzero(case.imputed.any(axis=0)).tolist():
            imputed[:, self._county.model.line_of_number[column]] |= case.imputed[:, column]
        rate = case.reading.matrix[:, self._nearby]
        if "living_area_sqft" in surroundings.plan.numeric:
            numbers[:, self._lines.index(NEARBY_SALES)] = np.round(np.exp(rate), 2)
        words = {}
        for column, category in enumerate(surroundings.plan.categories):
            line = LOCATION if column == surroundings.places.area else category.name
            words[self._lines.index(line)] = written(case.frame.words(category.name).tolist())
        return Inputs(numbers, words, _digests(case), imputed)


def level_of(county: CountyModel, sales: Sales | None) -> Level:
    """Return the level that a pool of sales shows; the training sales' own where there is no pool."""
    if sales is None or not len(sales):
        return Level.of(county.sold.sales("training"), np.arange(len(county.sold.day)), county.sold.honest)
    rows, _ = usable(sales)
    return Level.of(sales, rows, residuals(county, sales, rows))


def named(subjects: Subjects) -> Bools:
    """Mark the rows that ask for a method by name."""
    return np.array([hint is not None and bool(hint.strip()) for hint in subjects.method_hint], dtype=bool)


@lru_cache(maxsize=4096)
def _correction_json(correction: Correction) -> bytes:
    members = {
        "correction": round(float(np.exp(correction.log)), 6),
        "correction_sales": correction.sales,
        "correction_from": iso_day(correction.first_day).decode(),
        "correction_to": iso_day(correction.last_day).decode(),
        "correction_version": correction.version,
    }
    return b"," + orjson.dumps(members)[1:-1]


def _digests(case: Case) -> Objects:
    digests = np.empty(len(case.day), dtype=object)
    digests[:] = [b"%016x" % kind for kind in case.reading.kind.tolist()]
    return digests
