"""Putting a county model together from what was learned: the sales' own explanations, the support, the cost form."""

from dataclasses import replace
from typing import Final

import numpy as np

from processor.training.learning import Fitted
from processor.training.screening import Screened
from processor.valuation.allocation import LandSplit
from processor.valuation.frame import Floats, Frame, Ints, Subjects
from processor.valuation.model.case import Case, Examiner, cost_parts
from processor.valuation.model.county import CountyModel, Sold, encoded
from processor.valuation.model.doubts import Support, rarely_unknown
from processor.valuation.model.interval import Spread
from processor.valuation.model.model import NOWHERE, Model, Reading
from processor.valuation.model.trees import Trees
from processor.valuation.model.values import METHODS

_BATCH: Final = 2048
_LEAST_SD: Final = 1e-6
_SLACK_KM: Final = 1.0
_REACH_QUANTILE: Final = 0.99
_NOTHING: Final = Spread(
    Trees(np.zeros((1, 1), np.int32), np.zeros((1, 1), np.float32), np.zeros((1, 2)), 0.0),
    np.zeros(1),
    np.ones(1),
    np.ones(1),
    1.0,
)
"""Stands where no interval has been calibrated yet."""


def assemble(county_id: str, screened: Screened, rows: Ints, fitted: Fitted) -> CountyModel:
    """Return the county model of a fit, without interval and with the comparables not yet counting."""
    model = fitted.model
    reading = model.surroundings.read(fitted.learned.inputs)
    sold = _sold(screened, rows, fitted, reading)
    place, work = cost_parts(model.surroundings, reading)
    frame = screened.frame.take(rows)
    split = LandSplit.fitted(frame, np.exp(fitted.learned.target), place, work)
    cost_error = np.log(split.cost(frame, place, work)) - fitted.learned.target
    split = replace(split, **_rescaled(split, float(np.median(cost_error))))
    method_sd = np.zeros(len(METHODS))
    method_sd[-1] = round(1.4826 * float(np.median(np.abs(cost_error - np.median(cost_error)))), 6)
    support = _support(model, reading, sold.lines)
    return CountyModel(county_id, model, sold, _NOTHING, support, split, 0.0, method_sd)


def _rescaled(split: LandSplit, error: float) -> dict[str, float]:
    """Take the median error out of the cost form."""
    return {name: round(getattr(split, name) * float(np.exp(-error)), 9) for name in ("land", "building")}


def _sold(screened: Screened, rows: Ints, fitted: Fitted, reading: Reading) -> Sold:
    model, identities = fitted.model, screened.sales
    contributions = model.lines(reading, len(model.surroundings.groups()[0]))
    residual = fitted.learned.target - model.log_price(reading)
    return Sold(
        encoded(identities.sale_id[rows]),
        encoded(identities.property_id[rows]),
        encoded(identities.document_number[rows]),
        identities.day[rows],
        identities.price[rows],
        contributions,
        residual,
        np.where(np.isnan(fitted.residual), residual, fitted.residual),
    )


def _support(model: Model, reading: Reading, lines: Floats) -> Support:
    numbers = reading.inputs.numbers
    scaled = model.surroundings.hedonic.curves.scaled(numbers)
    nearest = reading.near.distance[:, 0]
    nearest = nearest[np.isfinite(nearest)]
    reach = float(np.quantile(nearest, _REACH_QUANTILE)) + _SLACK_KM if len(nearest) else 1.0
    return Support(
        np.nanmin(scaled, axis=0),
        np.nanmax(scaled, axis=0),
        np.fmax(np.nanstd(scaled, axis=0), _LEAST_SD),
        np.nanmedian(numbers, axis=0),
        rarely_unknown(numbers),
        np.round(lines.std(axis=0), 9),
        _middles(model, reading),
        round(reach, 6),
    )


def _middles(model: Model, reading: Reading) -> Floats:
    """Return the median coordinates of each area's sales; the county's where an area has none."""
    surroundings = model.surroundings
    if surroundings.projection is None:
        return np.zeros((1, 2))
    degrees = reading.inputs.numbers[:, list(surroundings.projection.columns)]
    area = surroundings.places.area
    size = 1 if area == NOWHERE else surroundings.plan.categories[area].size
    middles = np.tile(np.nanmedian(degrees, axis=0), (size, 1))
    if area != NOWHERE:
        known = ~np.isnan(degrees[:, 0])
        for code in np.unique(reading.inputs.codes[known, area]):
            middles[code] = np.median(degrees[known & (reading.inputs.codes[:, area] == code)], axis=0)
    return middles


def subjects_of(screened: Screened, rows: Ints) -> Subjects:
    """Return sold properties as subjects, to be valued at the day of their sale."""
    sales = screened.sales
    ids = sales.property_id[rows].tolist()
    return Subjects(ids, sales.frame.take(rows), sales.day[rows], [None] * len(ids))


def examine_all(county: CountyModel, subjects: Subjects) -> list[Case]:
    """Examine any number of subjects, some thousands at a time."""
    examiner = Examiner(county)
    cases = []
    for start in range(0, len(subjects), _BATCH):
        rows = np.arange(start, min(start + _BATCH, len(subjects)))
        frame: Frame = subjects.frame.take(rows)
        ids = list(subjects.property_id[start : start + _BATCH])
        part = Subjects(ids, frame, subjects.day[rows], [None] * len(rows))
        cases.append(examiner.examine(part))
    return cases
