"""The sales-comparison engine: values a property by what similar properties nearby sold for.

The county's eligible sales give a hedonic and a market index; the hedonic adjusts the best comparables line by line,
the sales around the subject correct the hedonic, and the errors made on the sales themselves, each left out in turn,
give the interval. It needs no training step and no particular columns; three sales are enough to start.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from processor.valuation.doubts import Assessment
from processor.valuation.evidence import NEIGHBOURS, Evidence, Surroundings, gather
from processor.valuation.explanation import Approach, Explained, Grid, Inputs, Market
from processor.valuation.frame import Floats, Frame, InsufficientData, Ints, Objects, Sales, Subjects
from processor.valuation.pieces import iso_day, written
from processor.valuation.plausibility import cleaned, implausible
from processor.valuation.rendering import Renderer
from processor.valuation.vocabulary import Reading, Vocabulary

METHOD: Final = "sales_comparison"
MODEL: Final = "hedonic"
NEARBY: Final = "nearby_sales"
FEWEST_SALES: Final = 3

_REVISION: Final = "1"
"""Raised with every change of the arithmetic, so that results name the code they come from."""

_CONFIDENT: Final = 0.75


class ComparablesEngine:
    """Values one county's properties from a pool of its sales. Immutable; conforms to ``Engine``.

    ``verdicts`` holds for each sale given None (it serves as evidence) or the reason why not.
    """

    def __init__(self, county_id: str, sales: Sales) -> None:
        digest = hashlib.sha256(f"{_REVISION}/{county_id}/{sales.version}".encode()).hexdigest()
        self.county_id = county_id
        self.version = f"comparables-{digest[:12]}"
        self._evidence, self.verdicts = gather(sales)
        if self._evidence is not None:
            names = (*self._evidence.fit.hedonic.names, NEARBY)
            self._renderer = Renderer(names, self._evidence.sales, self.version)

    def value(self, subjects: Subjects) -> list[bytes | InsufficientData]:
        """Value a batch: for each subject the ``result`` object as UTF-8 JSON, or why there is none."""
        if self._evidence is None:
            return [InsufficientData("The county has no eligible sales; three are needed.")] * len(subjects)
        if not len(subjects):
            return []
        case = _examined(self._evidence, subjects)
        results = self._renderer.render(_explained(self._evidence, case))
        refusals = case.assessment.refusal.tolist()
        return [
            result if refusal is None else InsufficientData(refusal)
            for result, refusal in zip(results, refusals, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class _Case:
    """One batch and what was found out about it, before any value."""

    subjects: Subjects
    frame: Frame
    reading: Reading
    effects: Floats
    around: Surroundings
    assessment: Assessment


def _examined(evidence: Evidence, subjects: Subjects) -> _Case:
    impossible = implausible(subjects.frame, subjects.day, evidence.doubted)
    frame = cleaned(subjects.frame, impossible)
    reading = evidence.fit.hedonic.vocabulary.read(frame)
    effects = evidence.fit.hedonic.effects(reading)
    owner = evidence.owners.codes(subjects.property_id)
    neighbours = evidence.search.nearest(evidence.space.points(reading), subjects.day, owner, NEIGHBOURS)
    around = evidence.look_around(neighbours, effects.sum(axis=1))
    found = evidence.doubts.assess(frame, reading, impossible, evidence.nearest_km(neighbours, reading))
    _refuse_without_sales(found, evidence.search.available(subjects.day, owner), subjects.day)
    market = evidence.fit.hedonic.market
    found.doubt("market_index_extrapolated", market.extrapolated(subjects.day), market.uncertainty(subjects.day))
    found.doubt("few_comparables", np.asarray((around.best.sale < 0).any(axis=1)), 0.0)
    unmet = np.array([_unmet(hint) for hint in subjects.method_hint], dtype=bool)
    found.doubt("method_hint_not_available", unmet, 0.0)
    return _Case(subjects, frame, reading, np.column_stack([effects, around.level]), around, found)


def _refuse_without_sales(found: Assessment, available: Ints, day: Ints) -> None:
    for row in np.flatnonzero(available < FEWEST_SALES).tolist():
        date = iso_day(int(day[row])).decode()
        found.refusal[row] = (
            f"{available[row]} eligible sales of other properties dated before {date}; {FEWEST_SALES} are needed."
        )


def _unmet(hint: str | None) -> bool:
    return hint is not None and hint.strip().lower().replace("-", "_").replace(" ", "_") not in (METHOD, "")


def _explained(evidence: Evidence, case: _Case) -> Explained:
    day, around, found = case.subjects.day, case.around, case.assessment
    market = evidence.fit.hedonic.market
    base = np.exp(market.at(day))
    modelled = np.clip(base * np.exp(case.effects.sum(axis=1)), *evidence.bounds)
    compared = np.clip(modelled * np.exp(around.departure), *evidence.bounds)
    value = evidence.share * compared + (1.0 - evidence.share) * modelled
    half90, half68 = evidence.spread.halves(around.signs, np.sqrt(found.variance))
    fsd = np.sinh(half68)
    found.doubt("review_recommended", fsd > 1.0 - _CONFIDENT, 0.0)
    return Explained(
        day=day,
        method=written([METHOD] * len(day)),
        base=base,
        effects=case.effects,
        modelled=modelled,
        value=value,
        low=value * np.exp(-half90),
        high=value * np.exp(half90),
        fsd=fsd,
        grid=_grid(evidence, case),
        approaches=_approaches(evidence, compared, modelled),
        land_share=evidence.land_share(case.frame, case.effects),
        market=Market(market.relative(day), market.extrapolated(day)),
        inputs=_inputs(evidence.fit.hedonic.vocabulary, case),
        flags=found.flags,
    )


def _grid(evidence: Evidence, case: _Case) -> Grid:
    best = case.around.best
    return Grid(
        sale=best.sale,
        time=evidence.fit.hedonic.market.at(case.subjects.day)[:, None] - evidence.sale_market[best.sale],
        effects=case.effects[:, None, :] - evidence.sale_effects[best.sale],
        weight=best.weight,
        distance=best.distance,
    )


def _approaches(evidence: Evidence, compared: Floats, modelled: Floats) -> dict[str, Approach]:
    share = np.full(len(compared), evidence.share)
    return {
        METHOD: Approach(compared, share, "weighted geometric mean of the comparables' adjusted prices"),
        MODEL: Approach(modelled, 1.0 - share, f"regression on {len(evidence.sales)} sales, with the level nearby"),
    }


def _inputs(vocabulary: Vocabulary, case: _Case) -> Inputs:
    n, reading = case.frame.n, case.reading
    features = len(vocabulary.names) + 1
    first = len(vocabulary.numbers)
    numbers = np.hstack([vocabulary.raw(case.frame), np.full((n, features - first), np.nan)])
    texts = {first + i: written(case.frame.words(text.name).tolist()) for i, text in enumerate(vocabulary.texts)}
    imputed = np.column_stack([reading.unknown, np.zeros(n, dtype=bool)])
    return Inputs(numbers, texts, _digests(case), imputed)


def _digests(case: _Case) -> Objects:
    reading = case.reading
    read = np.ascontiguousarray(
        np.column_stack([reading.scaled, reading.codes, reading.east, reading.north, case.subjects.day])
    )
    digests = np.empty(len(read), dtype=object)
    digests[:] = [hashlib.blake2b(row, digest_size=8).hexdigest().encode() for row in read]
    return digests
