"""The forward ratio study of a model: sales it has not seen, valued in time order with the level known on each day."""

from dataclasses import dataclass

import numpy as np

from processor.ratio_study import Study, study
from processor.ratio_study.files import Pairs
from processor.training.assembly import examine_all, subjects_of
from processor.training.calibration import Forward, Shape
from processor.training.screening import Screened, in_order
from processor.valuation.amounts import rounded
from processor.valuation.frame import Floats, Ints, Sales
from processor.valuation.model.appraisal import level_of
from processor.valuation.model.county import CountyModel
from processor.valuation.model.features import text_column
from processor.valuation.model.model import NOWHERE, Surroundings
from processor.valuation.model.values import values, wanted


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


def pairs(studied: Studied, sales: Sales, surroundings: Surroundings) -> Pairs:
    """Return studied sales as a report of them is drawn, by area; ``sales`` are those given to the training."""
    ordered = in_order(sales)
    frame = ordered.frame.take(studied.rows)
    area = surroundings.places.area
    named = None if area == NOWHERE else surroundings.plan.categories[area]
    strata = {} if named is None else {named.name: [word or "" for word in text_column(frame, named.name).tolist()]}
    return Pairs(
        studied.price,
        studied.value,
        studied.low,
        studied.high,
        ordered.day[studied.rows],
        frame.number("latitude"),
        frame.number("longitude"),
        strata,
    )


def later_sales(county: CountyModel, screened: Screened, rows: Ints) -> Studied:
    """Value the sales at ``rows``, each on its day, as the engine would have valued them then."""
    pool = level_of(county, screened.sales)
    value, down, up = [], [], []
    for case in examine_all(county, subjects_of(screened, rows)):
        corrections = [pool.on(int(day)) for day in case.day]
        case.assessment.variance += np.array([one.deviation for one in corrections]) ** 2
        level = np.array([one.log for one in corrections]) + county.model.surroundings.index.at(case.day)
        result = values(county, case, level, wanted([None] * len(case.day)))
        value.append(result.value)
        down.append(result.down)
        up.append(result.up)
    return _studied(screened, rows, np.concatenate(value), np.concatenate(down), np.concatenate(up))


def held_back(screened: Screened, found: Forward, share: float, size: Floats, shape: Shape) -> Studied:
    """Study the months held back to calibrate: even sales stretch the intervals of odd ones and the other way round."""
    error = found.error - found.following(share)
    score, even = error / size, np.arange(len(size)) % 2 == 0
    factor = np.empty(len(size))
    for part in (even, ~even):
        factor[part] = shape.stretch(score[~part], found.log_price[~part])
    down, up = (np.interp(found.log_price, shape.at, side) * factor * size for side in (shape.down, shape.up))
    return _studied(screened, found.rows, np.exp(found.log_value + found.following(share)), down, up)


def _studied(screened: Screened, rows: Ints, value: Floats, down: Floats, up: Floats) -> Studied:
    return Studied(
        rows,
        screened.sales.price[rows],
        rounded(value),
        rounded(value * np.exp(-down)),
        rounded(value * np.exp(up)),
    )
