"""Turns chunks of a sales file into validated sales: dates, prices, eligibility, and sales that are there twice."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np

from schemas.clock import iso_date
from schemas.tabular.convert import Converter, Draft, objects
from schemas.tabular.dates import EPOCH_ORDINAL, FIRST_YEAR, DateReader, NoDate
from schemas.tabular.files import Chunk
from schemas.tabular.plan import Plan
from schemas.tabular.report import Report, shown
from schemas.tabular.tables import Bools, Floats, Ints, Objects, Properties, Sales

_LONGEST_REASON: Final = 256
_CODES_NAMED: Final = 10
_DAYS_AHEAD: Final = 366
"""How far ahead of today a sale date may lie before it is no date; clocks and closings differ."""


def read_days(draft: Draft, texts: Sequence[str], dates: DateReader, last_day: int, column: str) -> tuple[Ints, Bools]:
    """Return days and whether only the month is known; a row without a possible date is rejected."""
    days, months = np.full(len(draft), -1, dtype=np.int64), np.zeros(len(draft), dtype=np.bool_)
    first_day = date(FIRST_YEAR, 1, 1).toordinal() - EPOCH_ORDINAL
    for row, text in enumerate(texts):
        try:
            days[row], months[row] = dates.read(text)
        except NoDate as error:
            draft.doubt(row, column, text, str(error) if text else "no sale_date", "row rejected")
        else:
            if not first_day <= days[row] <= last_day:
                draft.doubt(row, column, text, "no possible sale date", "row rejected")
    return days, months


def years_of(days: Ints) -> Ints:
    """Return the calendar year of each day."""
    return days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970


class PropertiesConverter(Converter):
    """Reads chunks as rows of a roll."""

    def __init__(self, plan: Plan, report: Report, today: date) -> None:
        super().__init__(plan, report)
        self._today = today
        self._dates = DateReader(plan.mapping.dates.get("sale_date", ()))

    def convert(self, chunk: Chunk) -> Properties:
        """Return the rows of a chunk that came through."""
        draft = self.draft(chunk)
        ids = self.ids(draft, "property_id")
        days = self._days(draft)
        numeric, text = self.characteristics(draft, np.full(len(draft), self._today.year))
        kept = self.finish(draft)
        return Properties(
            county_id=self.plan.mapping.county_id,
            line=np.asarray(draft.line, dtype=np.int64)[kept],
            property_id=ids[kept],
            day=days[kept],
            numeric={name: column[kept] for name, column in numeric.items()},
            text={name: column[kept] for name, column in text.items()},
        )

    def _days(self, draft: Draft) -> Ints:
        """Return when each row was true as far as the file says; a property needs no date, so none is missed."""
        days = np.full(len(draft), -1, dtype=np.int64)
        if "sale_date" in self.plan.texts:
            for row, text in enumerate(self.joined(draft, "sale_date")):
                try:
                    days[row] = self._dates.read(text)[0]
                except NoDate:
                    continue
        return days


class SalesConverter(Converter):
    """Reads chunks as sales; remembers what it has seen, to know a sale that comes twice."""

    def __init__(self, plan: Plan, report: Report, today: date) -> None:
        super().__init__(plan, report)
        self._last_day = today.toordinal() - EPOCH_ORDINAL + _DAYS_AHEAD
        self._this_year = today.year
        self._dates = DateReader(plan.mapping.dates.get("sale_date", ()))
        self._line_of_sale: dict[int, int] = {}
        self._line_of_deal: dict[int, int] = {}
        self._codes = {rule.column: Counter[str]() for rule in plan.mapping.sales.arms_length}

    def convert(self, chunk: Chunk) -> Sales:
        """Return the sales of a chunk that came through."""
        draft = self.draft(chunk)
        property_ids = self.ids(draft, "property_id")
        date_texts = self.joined(draft, "sale_date")
        days, months = read_days(draft, date_texts, self._dates, self._last_day, self.where("sale_date"))
        sale_ids = self._sale_ids(draft, property_ids, days)
        prices = self._prices(draft)
        documents = self.texts(draft, "document_number") if "document_number" in self.plan.texts else None
        numeric, text = self.characteristics(draft, np.where(draft.rejected, self._this_year, years_of(days)))
        ineligible = self._ineligible(draft, prices)
        self._mark_repeats(draft, (sale_ids, property_ids, days, prices), ineligible)
        kept = self.finish(draft)
        return Sales(
            county_id=self.plan.mapping.county_id,
            line=np.asarray(draft.line, dtype=np.int64)[kept],
            property_id=property_ids[kept],
            day=days[kept],
            numeric={name: column[kept] for name, column in numeric.items()},
            text={name: column[kept] for name, column in text.items()},
            sale_id=sale_ids[kept],
            document_number=objects([None] * int(kept.sum())) if documents is None else documents[kept],
            month_precision=months[kept],
            price=prices[kept],
            ineligible=ineligible[kept],
            judged=bool(self.plan.mapping.sales.arms_length),
        )

    def close(self) -> None:
        """Note what the arm's-length rules made of the file, once it is read."""
        for rule in self.plan.mapping.sales.arms_length:
            codes = self._codes[rule.column]
            others = [(code or "empty", rows) for code, rows in codes.most_common() if code not in rule.accept]
            listed = ", ".join(f"{shown(code)} {rows:,}" for code, rows in others[:_CODES_NAMED])
            rest = "" if len(others) <= _CODES_NAMED else f" and {len(others) - _CODES_NAMED} more"
            accepted = sum(codes[code] for code in set(rule.accept))
            if others:
                self.report.note(f"{rule.column}: {accepted:,} rows accepted; not accepted: {listed}{rest}")

    def _sale_ids(self, draft: Draft, property_ids: Objects, days: Ints) -> Objects:
        """Return the sale ids; where the mapping has none, property and day name a sale."""
        if "sale_id" in self.plan.texts:
            return self.ids(draft, "sale_id")
        return objects([f"{own_id}-{iso_date(int(day))}" for own_id, day in zip(property_ids, days, strict=True)])

    def _prices(self, draft: Draft) -> Floats:
        source = self.plan.mapping.columns["sale_price"][0]
        prices = self.number(draft, source, "row rejected")
        for row in np.flatnonzero(~(prices > 0) & ~draft.rejected):
            text = draft.cells[source][row]
            draft.doubt(int(row), source, text, "not above 0" if text else "no sale_price", "row rejected")
        return prices

    def _ineligible(self, draft: Draft, prices: Floats) -> Objects:
        """Return why each sale is no market sale by the mapping's rules, None where it may be one."""
        rules = self.plan.mapping.sales
        reasons = objects([None] * len(draft))
        if rules.min_price is not None:
            reasons[prices < rules.min_price] = f"sale_price is below {rules.min_price:,.0f}"
        if rules.max_price is not None:
            reasons[prices > rules.max_price] = f"sale_price is above {rules.max_price:,.0f}"
        for rule in rules.arms_length:
            accepted = frozenset(rule.accept)
            self._codes[rule.column].update(draft.cells[rule.column])
            for row, code in enumerate(draft.cells[rule.column]):
                if code not in accepted:
                    reasons[row] = f"{rule.column} is {code or 'empty'}"[:_LONGEST_REASON]
        return reasons

    def _mark_repeats(self, draft: Draft, of: tuple[Objects, Objects, Ints, Floats], ineligible: Objects) -> None:
        """Reject a row whose sale id was there before; mark a sale that was there under another id."""
        sale_ids, property_ids, days, prices = of
        for row in np.flatnonzero(~draft.rejected).tolist():
            line, sale_id = draft.line[row], sale_ids[row]
            first = self._line_of_sale.setdefault(hash(sale_id), line)
            if first != line:
                reason = f"sale id is on line {first} already"
                draft.doubt(row, self.where("sale_id"), sale_id, reason, "row rejected")
                continue
            first = self._line_of_deal.setdefault(hash((property_ids[row], days[row], prices[row])), line)
            if first != line:
                reason = f"the same sale as on line {first} under another id"
                draft.doubt(row, self.where("sale_id"), sale_id, reason, "sale ineligible")
                ineligible[row] = reason
