"""A gateway with a small county behind it, without Kafka: values are made up, but their lines add up."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import orjson

from producer.deadletters.letter import DeadLetter, Position
from producer.gateway import Gateway
from producer.security.guard import Guard
from producer.settings import GatewaySettings
from producer.store.base import JobFilter, NewBatch, Page
from schemas.reasons import SIMULATED, SIMULATED_FAILURE_PROPERTY, property_not_found
from tests.unit.deadletters.fakes import FakeLetters
from tests.unit.gateway.conftest import assembled
from tests.unit.gateway.fake_kafka import FakeKafka
from tests.unit.gateway.fakes import FakeProperties, FakeView

COUNTY: Final = "BENTON"
SLOW: Final = "PROP_SLOW"
"""A property whose value comes only when a test lets it."""
EVIL: Final = "<script>alert(1)</script>"
_STREETS: Final = ("Wright Ln", "Morain Way", "Yakima Way", "Olympia St", "Canal Dr", "Gage Blvd")
_AREAS: Final = ("Queensgate", "Badger Canyon", "Panoramic Heights", "Prosser")
Record = dict[str, Any]


class StagedView(FakeView):
    """The fake view with a job list that filters and pages, and jobs that fail."""

    def finish(self, job_id: UUID, result: dict[str, object]) -> None:
        if "failure_reason" not in result:
            super().finish(job_id, result)
            return
        super().finish(job_id, {})
        self.pending[job_id] |= result | {"status": "FAILED"}
        self.finished[job_id] = orjson.dumps({**self.pending[job_id], "result": None})

    async def jobs(self, wanted: JobFilter, *, results: bool = False) -> Page:
        self.filters.append(wanted)
        asked: dict[str, object] = {
            "county_id": wanted.county_id,
            "property_id": wanted.property_id,
            "status": wanted.status,
            "failure_reason": wanted.failure_reason,
            "batch_id": wanted.batch_id,
        }
        fitting = [
            job_id
            for job_id, job in reversed(self.pending.items())
            if all(value in {None, job[name]} for name, value in asked.items())
        ]
        start = int(wanted.cursor or 0)
        chosen = fitting[start : start + wanted.limit]
        items = [
            orjson.loads(await self.result(job_id) or b"null") if results else self.pending[job_id] for job_id in chosen
        ]
        end = start + len(chosen)
        return Page(orjson.dumps(items), len(items), str(end) if end < len(fitting) else None)


@dataclass(frozen=True, slots=True)
class Stage:
    """The gateway and what stands behind it."""

    gateway: Gateway
    kafka: FakeKafka
    view: StagedView
    roll: FakeProperties
    letters: FakeLetters


def staged(settings: GatewaySettings | None = None) -> Stage:
    """A gateway over a county of 60 properties with a model; values come at once, except for ``SLOW``."""
    kafka, view, roll = FakeKafka(), StagedView(), FakeProperties()
    records = county()
    for record in records:
        roll.records[COUNTY, record["property_id"]] = orjson.dumps(record)
    roll.serving[COUNTY] = orjson.dumps(model())
    by_id = {record["property_id"]: record for record in records}

    def valued(job: Mapping[str, object]) -> dict[str, object] | None:
        property_id = str(job["property_id"])
        if property_id == SLOW:
            return None
        if property_id == SIMULATED_FAILURE_PROPERTY:
            return {"failure_reason": "simulated_processing_error", "message": SIMULATED}
        if property_id not in by_id:
            message = property_not_found(property_id, str(job["county_id"]))
            return {"failure_reason": "property_not_found", "message": message}
        return valuation(by_id[property_id], records)

    view.answers = valued
    chosen = settings or GatewaySettings(gateway_catch_up_seconds=1.0)
    gateway = assembled(kafka, view, roll, chosen)
    guard = Guard.of(chosen.gateway_api_keys_file)
    found = letters()
    return Stage(replace(gateway, guard=guard, dead_letters=found), kafka, view, roll, found)


def letters() -> FakeLetters:
    """Three letters, the newest of which bears markup wherever text goes."""
    made = FakeLetters()
    evil = EVIL.encode()
    headers = (("error.reason", evil), ("error.message", evil), ("error.topic", evil), (EVIL, evil), ("none", None))
    made.letters[-1] = DeadLetter("t", Position(0, 2), 1_795_000_000_000, evil, evil * 40, headers)
    return made


def batch(view: StagedView, batch_id: str, total: int) -> None:
    """Announce a batch that has published nothing yet."""
    view.announced[batch_id] = NewBatch(batch_id, "reappraisal", COUNTY, total, 1_795_000_000_000)


def county() -> list[Record]:
    """The county's properties; the last one bears markup wherever text goes."""
    dice = random.Random(7)  # noqa: S311 - a made-up county
    records = [_property(f"PROP{100 + number}", dice) for number in range(60)]
    records += [_property(SLOW, dice), _property(SIMULATED_FAILURE_PROPERTY, dice)]
    evil = _property(f"EVIL{EVIL}", dice)
    evil |= {"address": f"1 {EVIL} St", "neighborhood": EVIL, "features": {EVIL: EVIL, "fireplaces": 2}}
    return [*records, evil]


def _property(property_id: str, dice: random.Random) -> Record:
    return {
        "property_id": property_id,
        "county_id": COUNTY,
        "address": f"{dice.randint(100, 9900)} {dice.choice(_STREETS)}, Richland, WA 99352",
        "latitude": round(46.23 + dice.uniform(-0.03, 0.03), 6),
        "longitude": round(-119.27 + dice.uniform(-0.04, 0.04), 6),
        "neighborhood": dice.choice(_AREAS),
        "property_class": "Single family",
        "living_area_sqft": dice.randint(900, 3900),
        "lot_size_sqft": dice.randint(4000, 24000),
        "garage_sqft": dice.choice([0, 260, 420, 620]),
        "year_built": dice.randint(1948, 2021),
        "bathrooms": dice.choice([1.0, 1.75, 2.5, 3.0]),
        "quality": dice.randint(2, 6),
        "condition": dice.randint(2, 5),
        "waterfront": 0,
        "assessed_value": dice.randint(2000, 6000) * 100,
        "features": {"fireplaces": dice.randint(0, 2), "heating": "Heat pump"},
    }


def valuation(subject: Record, sold: Sequence[Record]) -> dict[str, object]:
    """A value of a property and its explanation, in whole cents that add up."""
    dice = random.Random(str(subject["property_id"]))  # noqa: S311 - a made-up value
    known = {**subject, **subject["features"]}
    lines: list[Record] = [
        {"feature": name, "value": known[name], "dollars": _cents(dice, 30_000)}
        for name in ("living_area_sqft", "lot_size_sqft", "garage_sqft", "year_built", "bathrooms", "quality")
    ]
    lines += [
        {"feature": name, "value": value, "dollars": _cents(dice, 9_000)} for name, value in subject["features"].items()
    ]
    lines.append({"feature": "location", "value": subject["neighborhood"], "dollars": _cents(dice, 60_000)})
    lines.append({"feature": "nearby_sales", "value": 221.55, "dollars": _cents(dice, 20_000)})
    base, local = 374_746.03, _cents(dice, 2_000)
    total = round(base + local + sum(line["dollars"] for line in lines), 2)
    rounded = round(total, -2)
    comparables = [_comparable(number, record, dice) for number, record in enumerate(dice.sample(list(sold[:60]), 5))]
    return {
        "estimated_value": rounded,
        "unrounded_value": total,
        "value_low": round(total * 0.88, -2),
        "value_high": round(total * 1.13, -2),
        "interval_level": 0.9,
        "confidence_score": 0.9245,
        "fsd": 0.0755,
        "valuation_method_used": "reconciled",
        "valuation_date": "2026-11-23",
        "comparables_used": [one["sale_id"] for one in comparables],
        "comparables": comparables,
        "base_value": base,
        "contributions": lines,
        "local_correction": local,
        "approaches": {
            "reconciled": {"value": total, "weight": 0, "evidence": "weighted mean of model and comparables"},
            "model": {"value": total - local, "weight": 0.8, "evidence": "gradient-boosted trees"},
            "sales_comparison": {"value": total + 4000, "weight": 0.2, "evidence": "the comparables' adjusted prices"},
            "cost": {"value": total * 0.9, "weight": 0, "evidence": "land by lot and place, building by workmanship"},
        },
        "land_value": 132_300,
        "improvement_value": rounded - 132_300,
        "market_index": {
            "level": 1.110192,
            "month": "2026-11",
            "extrapolated": True,
            "correction": 0.988943,
            "correction_sales": 274,
            "correction_from": "2026-09-01",
            "correction_to": "2026-10-28",
            "correction_version": "4769-ce60:d6ad",
        },
        "model_version": "benton-5df5f98ff499",
        "inputs_hash": "1a3e7e9706b77cea",
        "inputs_imputed": ["garage_sqft"],
        "flags": ["few_comparables", "outside_sales_range:living_area_sqft"] if subject["quality"] == 6 else [],
        "notice": "Mass appraisal estimate. Land and improvement values are an allocation of the total.",
    }


def _comparable(number: int, record: Record, dice: random.Random) -> Record:
    price, time = float(dice.randint(3_000, 6_500) * 100), _cents(dice, 21_000)
    names = dice.sample(["living_area_sqft", "lot_size_sqft", "garage_sqft", "year_built", "condition", "quality"], 5)
    lines: list[Record] = [{"feature": name, "amount": _cents(dice, 32_000)} for name in [*names, "other"]]
    return {
        "sale_id": f"S0{number}{record['property_id'][-2:]}",
        "property_id": record["property_id"],
        "document_number": None if number == 3 else f"2026-00{number}871",
        "sale_date": f"202{4 + number % 3}-{1 + 2 * number:02}-14",
        "sale_price": price,
        "time_adjustment": time,
        "adjustments": lines,
        "adjusted_price": round(price + time + sum(line["amount"] for line in lines), 2),
        "distance": round(1.2 + number / 5, 3),
        "weight": 0.2,
    }


def _cents(dice: random.Random, most: int) -> float:
    return dice.randint(-100 * most, 100 * most) / 100


def model() -> Record:
    """The county's model with its study."""
    dice = random.Random(3)  # noqa: S311 - a made-up study
    months = [f"{2023 + number // 12}-{number % 12 + 1:02}" for number in range(36)]
    return {
        "county_id": COUNTY,
        "version": "benton-5df5f98ff499",
        "uri": "BENTON/benton-5df5f98ff499",
        "sha256": "0" * 64,
        "trained_at": "2026-11-20T12:36:20.000Z",
        "study": {
            "n": 400,
            "median_ratio": 1.0006,
            "cod": 7.31,
            "prd": 1.0093,
            "prb": -0.0227,
            "vei": -3.72,
            "mdape": 5.65,
            "within_10": 76.5,
            "r2": 0.938,
            "coverage_90": 91.5,
            "by_decile": [
                _group(f"{one:02}", dice) | {"price_low": 150e3 + 50e3 * one, "price_high": 200e3 + 50e3 * one}
                for one in range(1, 11)
            ],
            "by_month": [_group(month, dice) for month in months[-14:]],
            "by_neighborhood": [_group(area, dice) | {"cod": 7.4} for area in (*_AREAS, EVIL)],
            "histogram": {"from": 0.7, "width": 0.05, "counts": [2, 5, 18, 44, 76, 101, 83, 42, 17, 8, 3, 1]},
        },
        "market_index": [
            {"month": month, "level": round(1 + 0.0045 * number + dice.uniform(-0.01, 0.01), 4)}
            for number, month in enumerate(months)
        ],
    }


def _group(name: str, dice: random.Random) -> Record:
    median = round(1 + dice.uniform(-0.04, 0.04), 4)
    return {
        "group": name,
        "n": 40,
        "median": median,
        "median_ci": [median - 0.03, median + 0.03],
        "q25": median - 0.06,
        "q75": median + 0.06,
    }
