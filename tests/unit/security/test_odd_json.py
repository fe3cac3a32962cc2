"""JSON that is odd and yet JSON, and records as large as a broker takes: each has one meaning, and none does harm."""

import gc
from pathlib import Path

import orjson
import pytest

from schemas import codec
from tests.fakes import FakeEngine, FakeRecord, FakeRoll, batch_of, collaborators, handled
from tests.rows import read_row
from tests.unit.gateway.conftest import RUN, Served

BATCH = "/api/v1/valuation/batch"
JSON = {"Content-Type": "application/json"}
LINES = {"Content-Type": "application/x-ndjson"}
TWICE = b'{"property_id":"P","county_id":"KING","property_id":"Q","county_id":"BENTON"}'
MIB = 1 << 20


@pytest.mark.parametrize(("path", "raw", "headers"), [(RUN, TWICE, JSON), (BATCH, TWICE, LINES)])
async def test_of_members_that_are_repeated_the_last_counts_for_everybody(
    open_to_all: Served, path: str, raw: bytes, headers: dict[str, str]
) -> None:
    assert (await open_to_all.client.post(path, data=raw, headers=headers)).status == 202
    (record,) = open_to_all.kafka.records(open_to_all.requests)
    published = orjson.loads(record.value or b"")
    assert (published["property_id"], published["county_id"]) == ("Q", "BENTON")
    request = codec.decode_request(TWICE, key=None, topic="t", partition=0, offset=0, timestamp_ms=0)
    assert (request.property_id, request.county_id) == ("Q", "BENTON")


@pytest.mark.parametrize(
    ("number", "status"),
    [("9" * 19, 202), ("18446744073709551616", 202), ("9" * 400, 400), ("1e308", 202), ("1e309", 400), ("-0", 202)],
)
async def test_a_number_is_taken_as_a_double_or_refused(open_to_all: Served, number: str, status: int) -> None:
    raw = f'{{"property_id":"P","county_id":"B","characteristics":{{"x":{number}}}}}'.encode()
    assert (await open_to_all.client.post(RUN, data=raw, headers=JSON)).status == status
    if status == 202:
        (record,) = open_to_all.kafka.records(open_to_all.requests)
        request = codec.decode_request(record.value, key=None, topic="t", partition=0, offset=0, timestamp_ms=0)
        assert float((request.characteristics or {})["x"] or 0) == float(number)


@pytest.mark.parametrize(
    "line", [b"[" * 5_000, b'{"a":' * 5_000, b"\xff\xfe", b'"\\ud800"', b'{"county_id":NaN}', b"\x00"]
)
async def test_an_odd_line_is_named_and_refuses_its_batch(open_to_all: Served, line: bytes) -> None:
    raw = b'{"property_id":"P","county_id":"B"}\n' + line
    answer = await open_to_all.client.post(BATCH, data=raw, headers=LINES)
    assert (answer.status, (await answer.json())["errors"][0]["pointer"]) == (422, "/1")
    assert not open_to_all.kafka.log


@pytest.mark.parametrize("value", [b"\x00" * MIB, b"{" * MIB, None, b""])
async def test_a_record_as_large_as_the_broker_takes_becomes_a_dead_letter_that_it_takes_too(
    value: bytes | None,
) -> None:
    records = [FakeRecord(0, value, key=b"k" * 300, headers=[("h", b"x" * 500)])]
    using = collaborators(FakeRoll.of("BENTON", "P1"), FakeEngine())
    outcomes = handled(batch_of(records, record_limit=MIB), using)
    (row,) = outcomes.dead_letters
    assert len(row) <= MIB
    assert read_row(row).key == b"k" * 300
    assert outcomes.results == []


def _megabytes() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / MIB


async def test_counties_that_nobody_knows_cost_no_memory_however_many_there_are() -> None:
    """A million take 3.5 MiB more than ten thousand (17 us each); a tenth of them shows a leak as well."""
    using = collaborators(FakeRoll.of("BENTON", "P1"), FakeEngine())
    labels: set[str] = set()
    first = 0.0
    for start in range(0, 100_000, 10_000):
        values = (b'{"property_id":"P","county_id":"d%d"}' % (start + at) for at in range(10_000))
        outcomes = handled(batch_of([FakeRecord(at, value) for at, value in enumerate(values)]), using)
        labels |= {county for county, _ in outcomes.tally}
        first = first or _megabytes()
    assert labels == {"OTHER"}
    assert _megabytes() - first < 24
