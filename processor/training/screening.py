"""Which sales a model learns from, which ones a study counts, and why every other one is left out."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np

from processor.training import hedonic
from processor.training.columns import Choice, choose
from processor.training.errors import EqualPrices, TooFewSales
from processor.valuation.eligibility import OUTLIER, judge
from processor.valuation.evidence import taken
from processor.valuation.frame import Floats, Frame, Ints, Objects, Sales
from processor.valuation.model.features import Inputs, Plan
from processor.valuation.model.residuals import usable
from processor.valuation.plausibility import cleaned, implausible
from schemas.records import NUMERIC_FIELDS, TEXT_FIELDS

FEWEST_SALES: Final = 50
_OUTLIER_LOG: Final = 1.0
_OUTLIER_SDS: Final = 6.0
_STANDARD: Final = frozenset((*NUMERIC_FIELDS, *TEXT_FIELDS))


@dataclass(frozen=True, slots=True)
class TrainingSales:
    """Sales to learn from, sorted by day and id, read by the plan."""

    plan: Plan
    inputs: Inputs
    day: Ints
    price: Floats
    property_id: Objects


@dataclass(frozen=True, slots=True)
class Screened:
    """The sales of a county, sorted by day and id, with a verdict on each.

    ``learn`` are the rows to train on, ``counts`` those a study counts; ``verdicts`` holds None or the reason why a
    sale does not train. A sale that is odd in itself does not train, but a study counts it all the same.
    """

    sales: Sales
    frame: Frame
    learn: Ints
    counts: Ints
    verdicts: Objects
    choice: Choice

    def training(self, rows: Ints) -> TrainingSales:
        """Return the named sales as a model learns from them."""
        plan = self.choice.plan
        return TrainingSales(
            plan,
            plan.read(self.frame.take(rows)),
            self.sales.day[rows],
            self.sales.price[rows],
            self.sales.property_id[rows],
        )

    def reasons(self, rows: Ints) -> dict[str, int]:
        """Count the reasons for which sales among ``rows`` do not train."""
        return dict(sorted(Counter(reason for reason in self.verdicts[rows].tolist() if reason is not None).items()))


def in_order(sales: Sales) -> Sales:
    """Return the sales by day and id, whatever their order was: the order in which rows are numbered."""
    return taken(sales, np.lexsort((sales.sale_id.astype(str), sales.day)))


def screen(sales: Sales, before: int | None) -> Screened:
    """Judge the sales; only those dated before day ``before`` (all where None) may train or decide on columns.

    Raises:
        TooFewSales: fewer than 50 sales may train.
        EqualPrices: they all have one price.
    """
    sales = in_order(sales)
    counts, verdicts = usable(sales)
    frame = cleaned(sales.frame, implausible(sales.frame, sales.day)) if len(sales) else sales.frame
    if before is not None:
        earlier = np.flatnonzero(sales.day < before)
        verdicts[earlier] = judge(taken(sales, earlier))  # as they could be judged then, without later sales
    clean = np.array([verdict is None for verdict in verdicts.tolist()], dtype=bool)
    learn = np.flatnonzero(clean & (sales.day < before if before is not None else True))
    _enough(learn, verdicts)
    if np.ptp(sales.price[learn]) == 0:
        raise EqualPrices(f"all {len(learn)} usable sales have the price {sales.price[learn[0]]:,.0f}.")
    choice = choose(frame.take(learn), np.log(sales.price[learn]), _STANDARD)
    draft = Screened(sales, frame, learn, counts, verdicts, choice)
    outlying = learn[_outlying(draft.training(learn))]
    verdicts[outlying] = OUTLIER
    learn = np.setdiff1d(learn, outlying)
    _enough(learn, verdicts)
    return Screened(sales, frame, learn, counts, verdicts, choice)


def _enough(learn: Ints, verdicts: Objects) -> None:
    if len(learn) < FEWEST_SALES:
        left_out = ", ".join(f"{count} {reason}" for reason, count in Counter(verdicts.tolist()).items() if reason)
        raise TooFewSales(f"{len(learn)} usable sales; {FEWEST_SALES} are needed. Left out: {left_out or 'none'}.")


def _outlying(sales: TrainingSales) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Mark sales whose price no characteristic explains: no market sale, or a slip of the keyboard."""
    residual = _hedonic_residual(sales)
    middle = float(np.median(residual))
    spread = 1.4826 * float(np.median(np.abs(residual - middle)))
    return np.asarray(np.abs(residual - middle) > max(_OUTLIER_LOG, _OUTLIER_SDS * spread), dtype=np.bool_)


def _hedonic_residual(sales: TrainingSales) -> Floats:
    log_price = np.log(sales.price)
    fitted = hedonic.fit(sales.plan, sales.inputs, sales.day, log_price)
    return log_price - fitted.index.at(sales.day) - fitted.predict(sales.inputs)
