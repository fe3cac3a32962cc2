"""How a value comes about, line by line: base value, contributions, local correction, rounding; the lines add up."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from producer.console import formats, words
from producer.console.drawing.waterfall import Bar, waterfall
from producer.console.roll import Parcel
from schemas.events import Contribution, Valuation

_OTHER: Final = "other"
_OWN_VALUE: Final = frozenset({"cost", "sales_comparison"})


@dataclass(frozen=True, slots=True)
class Step:
    """One line: what changes the value, what the property has, by how many dollars, and in which bar."""

    label: str
    shown: str
    amount: float
    bar: Bar
    note: str = ""


def steps(value: Valuation, subject: Parcel) -> list[Step]:
    """Return the lines from the base value to the unrounded value, the largest contributions first."""
    ordered = sorted(value.contributions, key=lambda one: (one.feature == _OTHER, -abs(one.dollars)))
    lines = [
        (words.feature(one.feature), _shown(one), one.dollars, _note(one, value.inputs_imputed, subject))
        for one in ordered
    ]
    lines.append((_correction(value), "", value.local_correction, ""))
    bars = waterfall(value.base_value, [amount for _, _, amount, _ in lines])
    base = Step("Base value: the typical property of the county", "", value.base_value, bars[0])
    return [base, *(Step(*line[:3], bar, line[3]) for line, bar in zip(lines, bars[1:], strict=True))]


def _shown(one: Contribution) -> str:
    return "" if one.value is None else formats.characteristic(one.feature, one.value)


def _note(one: Contribution, imputed: Iterable[str], subject: Parcel) -> str:
    if one.feature in imputed:
        return "not known; a typical value was used"
    on_roll = subject.characteristic(one.feature)
    if on_roll is None or one.value is None or on_roll == one.value:
        return ""
    return f"the roll now says {formats.characteristic(one.feature, on_roll)}"


def _correction(value: Valuation) -> str:
    if value.valuation_method_used in _OWN_VALUE:
        return f"Difference of the method reported: {words.method(value.valuation_method_used)}"
    return "Local correction from the comparable sales"
