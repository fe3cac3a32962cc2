"""A real county comes in through a mapping file and is valued through HTTP and Kafka, later sales by earlier ones."""

import csv
import json
import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from tests.acceptance.client import Client, Order, new_id, request_event
from tests.acceptance.system import System

_ROOT: Final = Path(__file__).parents[2]
_FILE: Final = _ROOT.parent / "shared" / "data" / "kc_house_data.csv"
_MAPPING: Final = _ROOT / "deploy" / "examples" / "king.toml"
_COUNT: Final = 1000
_BY_HTTP: Final = 200
_SPLIT: Final = "2015-03-01"

pytestmark = pytest.mark.skipif(not _FILE.exists(), reason="../shared/data/kc_house_data.csv is not here")


@dataclass(frozen=True, slots=True)
class Sold:
    """A sale that the value must come near, without knowing it."""

    property_id: str
    day: str
    price: float


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    """Every row of the file."""
    with _FILE.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def king(system: System, rows: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> list[Sold]:
    """King County with its sales before the split, and some of the sales after it, one for each property."""
    system.wait_until_ready()
    earlier = tmp_path_factory.mktemp("king") / "earlier.csv"
    with earlier.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(row for row in rows if _day(row) < _SPLIT)
    _imported(system, "properties", _FILE)
    _imported(system, "sales", earlier)
    later = {row["id"]: Sold(row["id"], _day(row), float(row["price"])) for row in rows if _day(row) >= _SPLIT}
    return random.Random(3).sample([later[each] for each in sorted(later)], _COUNT)  # noqa: S311 - repeatable


def test_later_sales_are_valued_from_earlier_ones_alike_through_both_ways_and_near_their_prices(
    system: System, king: list[Sold], tmp_path: Path
) -> None:
    client = system.client
    by_kafka = _valued_by_kafka(client, king)
    by_http = _valued_by_http(client, king[:_BY_HTTP])
    assert {each: by_kafka[each] for each in by_http} == by_http

    estimates = tmp_path / "estimates.csv"
    lines = [f"{sold.price},{by_kafka[sold.property_id]['estimated_value']}" for sold in king]
    estimates.write_text("\n".join(["sale_price,estimate", *lines]))
    done = system.run("ratio-study", str(estimates), "--json")
    study = json.loads(done.stdout.splitlines()[-1])
    shown = {name: study[name] for name in ("n", "median_ratio", "cod", "prd", "prb", "mdape", "within_10", "r2")}
    print(f"forward ratio study of King County: {shown}")  # noqa: T201 - a figure for the log
    assert study["n"] == _COUNT
    assert 0.9 < study["median_ratio"] < 1.1
    assert study["cod"] < 20


def test_the_whole_file_comes_in(system: System, rows: list[dict[str, str]]) -> None:
    system.wait_until_ready()
    report = _imported(system, "sales", _FILE)
    assert report["rows"] == len(rows) == 21613
    assert report["rejected"] < 20


def _imported(system: System, what: str, file: Path) -> dict[str, Any]:
    done = system.run("import", what, str(file), "--mapping", str(_MAPPING), "--json")
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert report["accepted"] + report["rejected"] + report["superseded"] == report["rows"]
    assert report["published"] == report["accepted"]
    return report


def _valued_by_kafka(client: Client, sales: list[Sold]) -> Mapping[str, dict[str, Any]]:
    ids = {new_id(): sold for sold in sales}
    orders = [
        Order(request_event(sold.property_id, "king_wa", job_id=job_id, valuation_date=sold.day), job_id.encode())
        for job_id, sold in ids.items()
    ]
    client.publish(*orders)
    events = [orjson.loads(record.value or b"") for record in client.results_of(*ids, seconds=120)]
    assert {event["status"] for event in events} == {"COMPLETED"}
    return {event["property_id"]: event["result"] for event in events}


def _valued_by_http(client: Client, sales: list[Sold]) -> Mapping[str, dict[str, Any]]:
    with ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(lambda sold: client.submit(sold.property_id, "KING", valuation_date=sold.day), sales))
        ended = list(pool.map(lambda job_id: client.finished(job_id, 60), jobs))
    return {job["property_id"]: job["result"] for job in ended}


def _day(row: Mapping[str, str]) -> str:
    return datetime.strptime(row["date"][:8], "%Y%m%d").date().isoformat()  # noqa: DTZ007 - a calendar day
