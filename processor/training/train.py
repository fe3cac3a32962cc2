"""From a county's sales to what a bundle holds: screen, learn, calibrate, study.

The same sales and options give the same model, to the bit, on any number of cores.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from processor.ratio_study import Study
from processor.training import calibration, learning, surroundings
from processor.training.assembly import assemble
from processor.training.boosting import Grown
from processor.training.calibration import Forward, Shape
from processor.training.learning import Fitted, Growth
from processor.training.portrait import market_index, portrait
from processor.training.progress import Progress, Report, silent
from processor.training.screening import Screened, screen
from processor.training.study import Studied, held_back, later_sales
from processor.valuation.frame import Floats, Ints, Sales
from processor.valuation.model.county import CountyModel

REVISION: Final = "3"
"""Raised with every change of the recipe, so that bundles name the code they come from."""
_HELD_BACK_DAYS: Final = 90
_HELD_BACK_SALES: Final = 100
_HELD_BACK_SHARE: Final = 0.3


@dataclass(frozen=True, slots=True)
class Trained:
    """A county model, how it fared on sales it had not seen, and its papers."""

    county: CountyModel
    study: Study
    studied: Studied
    papers: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Periods:
    """Rows of the sales: what the model learns from; its part before the months held back; and the sales in those."""

    learn: Ints
    early: Ints
    late: Ints


def train(county_id: str, sales: Sales, *, as_of: int | None = None, report: Report = silent) -> Trained:
    """Learn the model of a county from its sales dated before day ``as_of``; study it on the later ones.

    Without ``as_of``, or without later sales, the study is that of a model that ended before the last months.

    Raises:
        TooFewSales, EqualPrices: the sales do not suffice to learn from.
    """
    report("validating sales", 0, 1)
    screened = screen(sales, as_of)
    periods = _periods(screened)
    report("setting sales beside each other", 0, 1)
    final, before = (surroundings.learn(screened.training(rows)) for rows in (periods.learn, periods.early))
    growths = [*learning.with_folds(final), Growth(before)]
    steps = sum(growth.steps() for growth in growths) + calibration.size_steps(len(periods.learn))
    progress = Progress(steps, report)
    progress.start("growing trees")
    *grown, ended = learning.grow_all(growths, progress)
    fitted = learning.fitted(final, grown[0], grown[1:])
    earlier = Fitted(learning.model_of(before, ended), before, np.full(len(periods.early), np.nan))
    progress.start("learning how far off values are")
    county = assemble(county_id, screened, periods.learn, fitted)
    ended_then = assemble(county_id, screened, periods.early, earlier)
    found = calibration.forward(ended_then, screened, periods.early, periods.late)
    grown_sizes = calibration.grow_sizes(fitted, progress)
    county, size, shape = _calibrated(county, found, periods, fitted, grown_sizes)
    progress.start("studying")
    after = _after(screened, as_of)
    if len(after):
        studied = later_sales(county, screened, after)
    else:
        studied = held_back(screened, found, county.share, size, shape)
    study = studied.study()
    papers = _papers(screened, as_of, study, county)
    papers |= {
        "studied": _studied(screened, as_of, studied.rows),
        "portrait": portrait(studied, screened.sales),
        "market_index": market_index(county.model.surroundings.index),
    }
    return Trained(county, study, studied, papers)


def _periods(screened: Screened) -> _Periods:
    day, learn, counts = screened.sales.day, screened.learn, screened.counts
    wanted = min(_HELD_BACK_SALES, int(_HELD_BACK_SHARE * len(learn)))
    cut = min(int(day[learn[-1]]) - _HELD_BACK_DAYS, int(day[learn[-wanted]]))
    early = learn[day[learn] < cut]
    if len(early) < len(learn) // 2:
        early = learn[: len(learn) - wanted]
    late = counts[(counts > early[-1]) & (day[counts] <= day[learn[-1]])]
    return _Periods(learn, early, late)


def _calibrated(
    county: CountyModel, found: Forward, periods: _Periods, fitted: Fitted, sizes: tuple[Grown, Floats]
) -> tuple[CountyModel, Floats, Shape]:
    """Return the county model with interval and share, the sizes of the forward errors, and the interval's shape."""
    grown, own = sizes
    share = calibration.fitted_share(found)
    shape = Shape.of(fitted.residual / own, fitted.learned.target - fitted.residual)
    trained = np.isin(periods.late, periods.learn)
    size = np.full(len(periods.late), float(np.median(own)))
    size[trained] = own[np.searchsorted(periods.learn, periods.late[trained])]
    score = (found.error - found.following(share)) / size
    spread = shape.spread(grown, score[trained], found.log_price[trained])
    return replace(county, spread=spread, share=share), size, shape


def _after(screened: Screened, as_of: int | None) -> Ints:
    counts = screened.counts
    return counts[screened.sales.day[counts] >= as_of] if as_of is not None else counts[:0]


def _studied(screened: Screened, as_of: int | None, rows: Ints) -> dict[str, Any]:
    """Return what the study holds, and of the sales of its period that it does not hold the number and the reasons."""
    day = screened.sales.day
    first = as_of if as_of is not None else int(day[rows].min())
    last = int(day.max()) if as_of is not None else int(day[rows].max())
    given = np.flatnonzero((day >= first) & (day <= last))
    left_out = np.setdiff1d(given, rows)
    return {"given": len(given), "counted": len(rows), "left_out": screened.reasons(left_out)}


def _papers(screened: Screened, as_of: int | None, study: Study, county: CountyModel) -> dict[str, Any]:
    learn, sales = screened.learn, screened.sales
    return {
        "revision": REVISION,
        "as_of": None if as_of is None else str(np.datetime64(as_of, "D")),
        "sales_version": sales.version,
        "sales": {
            "given": len(sales),
            "trained_on": len(learn),
            "first": str(np.datetime64(int(sales.day[learn[0]]), "D")),
            "last": str(np.datetime64(int(sales.day[learn[-1]]), "D")),
            "left_out": screened.reasons(np.flatnonzero(sales.day < (as_of if as_of is not None else np.inf))),
        },
        "features": {
            "numeric": list(screened.choice.plan.numeric),
            "categorical": [category.name for category in screened.choice.plan.categories],
            "left_out": screened.choice.excluded,
        },
        "shares": {"hedonic": county.model.share, "comparables": county.share},
        "study": study.document(),
    }
