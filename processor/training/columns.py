"""Which of a county's columns may become features, and why the others may not.

Nothing is known about any county: constants, ids, near copies of the price, and attributes of the sale rather than of
the property are recognised from the data and from the words in their names.
"""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

from processor.valuation.frame import Floats, Frame, Objects
from processor.valuation.model.features import Category, Plan, number_column, text_column

_NEVER: Final = {
    "assessed_value": "an assessor's own value is no characteristic",
    "address": "an address names one property",
}
_SALE_WORDS: Final = frozenset(
    {"sale", "sales", "sold", "price", "deed", "buyer", "seller", "grantor", "grantee", "mortgage", "loan", "excise"}
    | {"listing", "listed", "closing", "contract", "transaction", "consideration", "recording"}
)
_VALUE_WORDS: Final = frozenset(
    ("assessed", "assessment", "appraised", "appraisal", "taxable", "tax", "taxes", "valuation")
)
_MINIMUM_KNOWN: Final = 0.02
_LEAK: Final = 0.985
_ID_SHARE: Final = 0.95
_TEXT_ID_SHARE: Final = 0.5
_BIG_NUMBER: Final = 1e5
_FEW_VALUES: Final = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """The plan of features, and for every column left out the reason."""

    plan: Plan
    excluded: dict[str, str]


def choose(frame: Frame, log_price: Floats, standard: frozenset[str]) -> Choice:
    """Choose the features of a county from the columns of its sales; ``standard`` fields are never taken for ids."""
    excluded: dict[str, str] = {}
    numeric: dict[str, Floats] = {}
    names = sorted({*frame.numeric} - set(frame.text))
    for name in names:
        column = number_column(frame, name)
        reason = _name_reason(name) or _number_reason(column, log_price, own=name not in standard)
        if reason is None and (twin := _equal(column, numeric)) is not None:
            reason = f"same as {twin}"
        if reason is None:
            numeric[name] = column
        else:
            excluded[name] = reason
    categories: list[Category] = []
    for name in sorted(frame.text):
        words = text_column(frame, name)
        reason = _name_reason(name) or _text_reason(words)
        if reason is None:
            categories.append(Category(name, tuple(sorted({word for word in words if word is not None}))))
        else:
            excluded[name] = reason
    return Choice(Plan(tuple(numeric), tuple(categories)), excluded)


def _name_reason(name: str) -> str | None:
    if name in _NEVER:
        return _NEVER[name]
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
    if words & _SALE_WORDS:
        return "describes the sale, which an unsold property has not"
    return "an assessor's own value is no characteristic" if words & _VALUE_WORDS else None


def _number_reason(column: Floats, log_price: Floats, *, own: bool) -> str | None:
    known = ~np.isnan(column)
    if np.count_nonzero(known) < _MINIMUM_KNOWN * len(known):
        return "hardly ever known"
    values = column[known]
    distinct = len(np.unique(values))
    if distinct == 1 and known.all():
        return "the same everywhere"
    if distinct > _FEW_VALUES and abs(_rank_correlation(values, log_price[known])) > _LEAK:
        return "repeats the sale price"
    whole = bool(np.all(values == np.rint(values)))
    if own and whole and distinct > _ID_SHARE * len(values) and np.all(np.abs(values) >= _BIG_NUMBER):
        return "a number for each property, like an id"
    return None


def _rank_correlation(one: Floats, other: Floats) -> float:
    """Return Spearman's rank correlation."""
    return float(np.corrcoef(stats.rankdata(one), stats.rankdata(other))[0, 1])


def _text_reason(words: Objects) -> str | None:
    known = [word for word in words if word is not None]
    if len(known) < _MINIMUM_KNOWN * len(words):
        return "hardly ever known"
    levels, counts = np.unique(np.array(known, dtype=str), return_counts=True)
    if len(levels) == 1 and len(known) == len(words):
        return "the same everywhere"
    if len(levels) > _TEXT_ID_SHARE * len(known) or counts.max() == 1:
        return "a text for each property, like an id"
    return None


def _equal(column: Floats, others: dict[str, Floats]) -> str | None:
    return next((name for name, other in others.items() if np.array_equal(column, other, equal_nan=True)), None)
