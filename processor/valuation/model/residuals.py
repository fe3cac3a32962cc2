"""By how much the model misses a county's sales: honest residuals for those it learned from, fresh for others."""

import numpy as np

from processor.valuation.eligibility import DATE, DUPLICATE, NO_PRICE, PRICE_FLOOR, UNIT_PRICE, judge
from processor.valuation.frame import Floats, Ints, Objects, Sales
from processor.valuation.model.county import CountyModel, texts
from processor.valuation.plausibility import cleaned, implausible

UNUSABLE = frozenset({NO_PRICE, PRICE_FLOOR, DATE, DUPLICATE, UNIT_PRICE})
"""Verdicts after which a sale tells nothing about the market, however odd the others are."""


def usable(sales: Sales) -> tuple[Ints, Objects]:
    """Return the sales that a level or a study may use, and the verdict on every sale.

    Only what is wrong with the record of the sale itself excludes; an odd property or an odd price does not.
    """
    verdicts = judge(sales)
    barred = [
        declared is not None or verdict in UNUSABLE
        for declared, verdict in zip(sales.ineligible.tolist(), verdicts.tolist(), strict=True)
    ]
    return np.flatnonzero(~np.array(barred, dtype=bool)), verdicts


def residuals(county: CountyModel, sales: Sales, rows: Ints) -> Floats:
    """Return log price minus model and index for the named sales, by a model that had not seen them."""
    trained = {sale_id: row for row, sale_id in enumerate(texts(county.sold.sale_id).tolist())}
    found = np.array([trained.get(sale_id, -1) for sale_id in sales.sale_id[rows].tolist()], dtype=np.int64)
    known = found >= 0
    out = np.empty(len(rows))
    out[known] = county.sold.honest[found[known]]
    fresh = rows[~known]
    if len(fresh):
        frame = sales.frame.take(fresh)
        frame = cleaned(frame, implausible(frame, sales.day[fresh]))
        surroundings = county.model.surroundings
        inputs, _ = county.support.fill(surroundings, surroundings.plan.read(frame))
        predicted = county.model.log_price(surroundings.read(inputs))
        out[~known] = np.log(sales.price[fresh]) - predicted - surroundings.index.at(sales.day[fresh])
    return out
