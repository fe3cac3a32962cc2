"""The forward ratio study of a model: later sales, valued in time order with the level that was known on each day."""

from dataclasses import dataclass

import numpy as np

from processor.ratio_study import Study, study
from processor.training.assembly import examine_all, subjects_of
from processor.training.screening import Screened
from processor.valuation.frame import Floats, Ints
from processor.valuation.model.appraisal import level_of
from processor.valuation.model.county import CountyModel
from processor.valuation.model.values import wanted, values
from processor.valuation.rendering import rounded


@dataclass(frozen=True, slots=True)
class Studied:
    """Sales and how they were valued: dollars, rounded as published, with the bounds of the 90 % interval."""

    rows: Ints
    price: Floats
    value: Floats
    low: Floats
    high: Floats

    def study(self) -> Study:
        """Return the statistics."""
        return study(self.price, self.value, self.low, self.high)


def later_sales(county: CountyModel, screened: Screened, rows: Ints) -> Studied:
    """Value the sales at ``rows``, each on its day, as the engine would have valued them then."""
    pool = level_of(county, screened.sales)
    value, half = [], []
    for case in examine_all(county, subjects_of(screened, rows)):
        corrections = [pool.on(int(day)) for day in case.day]
        case.assessment.variance += np.array([one.deviation for one in corrections]) ** 2
        level = np.array([one.log for one in corrections]) + county.model.surroundings.index.at(case.day)
        result = values(county, case, level, wanted([None] * len(case.day)))
        value.append(result.value)
        half.append(result.half90)
    return _studied(screened, rows, np.concatenate(value), np.concatenate(half))


def held_back(screened: Screened, rows: Ints, log_value: Floats, error: Floats, size: Floats, half: Floats) -> Studied:
    """Return the study of the calibration months: ``half`` are quantiles that each sale had no part in."""
    _ = error
    return _studied(screened, rows, np.exp(log_value), half * size)


def _studied(screened: Screened, rows: Ints, value: Floats, half: Floats) -> Studied:
    return Studied(
        rows,
        screened.sales.price[rows],
        rounded(value),
        rounded(value * np.exp(-half)),
        rounded(value * np.exp(half)),
    )
