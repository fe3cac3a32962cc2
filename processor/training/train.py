"""From a county's sales to a bundle: screen, learn, calibrate, study, judge, write.

The same sales and options give the same bundle, to the bit, on any number of cores.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from processor.ratio_study import Study
from processor.training import calibration
from processor.training.assembly import assemble
from processor.training.learning import fit, trees_to_grow
from processor.training.progress import Progress, Report, silent
from processor.training.screening import Screened, screen
from processor.training.study import Studied, held_back, later_sales
from processor.valuation.frame import Floats, Ints, Sales
from processor.valuation.model.county import CountyModel
from processor.valuation.model.interval import LEVEL, quantile

REVISION: Final = "1"
"""Raised with every change of the recipe, so that bundles name the code they come from."""
_HELD_BACK_DAYS: Final = 90
_HELD_BACK_SALES: Final = 100
_HELD_BACK_SHARE: Final = 0.3
_FEATURES_GUESS: Final = 40


@dataclass(frozen=True, slots=True)
class Trained:
    """A county model and its papers: what a bundle is written from."""

    county: CountyModel
    study: Study
    studied: Studied
    papers: Mapping[str, Any]


def train(county_id: str, sales: Sales, *, as_of: int | None = None, report: Report = silent) -> Trained:
    """Learn the model of a county from its sales dated before day ``as_of``; study it on the later ones.

    Without ``as_of``, or without later sales, the study is that of a model that ended before the last months.

    Raises:
        TooFewSales: the sales do not suffice to learn from.
    """
    report("validating sales", 0, 1)
    screened = screen(sales, as_of)
    learn = screened.learn
    early, late = _split(screened)
    n, steps = len(learn), calibration.size_steps(len(learn))
    total = trees_to_grow(n, _FEATURES_GUESS, folds=True) + trees_to_grow(len(early), _FEATURES_GUESS, folds=False) + steps
    progress = Progress(total, report)
    progress.start("growing the trees that calibrate")
    training = screened.training(early)
    ended = assemble(county_id, screened, early, training, fit(training, progress, folds=False))
    found = calibration.forward(ended, screened, early, late)
    share = calibration.fitted_share(found)
    progress.start("growing the trees")
    training = screened.training(learn)
    fitted = fit(training, progress)
    county = assemble(county_id, screened, learn, training, fitted)
    progress.start("learning how far off values are")
    grown, sizes = calibration.grow_sizes(fitted, progress)
    trained_late = np.isin(late, learn)
    size = np.empty(len(late))
    size[trained_late] = sizes[np.searchsorted(learn, late[trained_late])]
    size[~trained_late] = float(np.median(sizes))
    error = found.after(share)
    score = np.abs(error)[trained_late] / size[trained_late]
    county = calibration.calibrated(county, grown, score, share)
    progress.start("studying")
    after = _after(screened, as_of)
    if len(after):
        studied = later_sales(county, screened, after)
    else:
        half = _cross_fitted(np.abs(error) / size)
        studied = held_back(screened, late, found.log_value + error * 0 + (found.error - error), error, size, half)
    study = studied.study()
    papers = _papers(screened, as_of, study, share)
    return Trained(county, study, studied, papers)


def _split(screened: Screened) -> tuple[Ints, Ints]:
    """Return the training sales before the months held back to calibrate, and every countable sale in those months."""
    day = screened.sales.day
    learn = screened.learn
    wanted = min(_HELD_BACK_SALES, int(_HELD_BACK_SHARE * len(learn)))
    cut = min(int(day[learn[-1]]) - _HELD_BACK_DAYS, int(day[learn[-wanted]]))
    early = learn[day[learn] < cut]
    counts = screened.counts
    late = counts[(day[counts] >= cut) & (day[counts] <= day[learn[-1]])]
    return early, late


def _after(screened: Screened, as_of: int | None) -> Ints:
    counts = screened.counts
    return counts[screened.sales.day[counts] >= as_of] if as_of is not None else counts[:0]


def _cross_fitted(score: Floats) -> Floats:
    """Return for each sale the quantile of the others: even rows calibrate odd ones and the other way round."""
    even = np.arange(len(score)) % 2 == 0
    half = np.empty(len(score))
    half[even], half[~even] = quantile(score[~even], LEVEL), quantile(score[even], LEVEL)
    return half


def _papers(screened: Screened, as_of: int | None, study: Study, share: float) -> dict[str, Any]:
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
            "left_out": screened.reasons(np.arange(len(sales))),
        },
        "features": {
            "numeric": list(screened.choice.plan.numeric),
            "categorical": [category.name for category in screened.choice.plan.categories],
            "left_out": screened.choice.excluded,
        },
        "comparables_share": share,
        "study": study.document(),
    }
