"""What people send who mean no good, or whose programs are broken: refused in bounds, and nothing is published."""

import asyncio
import gzip
import io
import logging
import time
import tracemalloc
import zlib

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processor.batch import Batch
from schemas import codec, logs
from tests.fakes import FakeEngine, FakeRecord, FakeRoll, batch_of, collaborators, handled, request_value
from tests.unit.gateway.conftest import RUN, Served

BATCH = "/api/v1/valuation/batch"
JSON = {"Content-Type": "application/json"}
HEAD = f"POST {RUN} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n".encode()
MIB = 1 << 20


def _bomb(size: int, *, layers: int = 1) -> bytes:
    block = b" " * MIB
    made = io.BytesIO()
    with gzip.GzipFile(fileobj=made, mode="wb") as file:
        for _ in range(size // MIB):
            file.write(block)
    packed = made.getvalue()
    for _ in range(layers - 1):
        packed = gzip.compress(packed)
    return packed


@pytest.mark.parametrize("path", [RUN, BATCH])
async def test_a_compressed_bomb_is_refused_before_it_has_grown(open_to_all: Served, path: str) -> None:
    bomb = _bomb(512 * MIB)
    assert len(bomb) < MIB
    tracemalloc.start()
    try:
        headers = JSON | {"Content-Encoding": "gzip"}
        answer = await open_to_all.client.post(path, data=bomb, headers=headers)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status == 413
    assert peak < 96 * MIB
    assert not open_to_all.kafka.log


@pytest.mark.parametrize(
    "coding", ["gzip, gzip", "gzip,deflate", "br", "zstd", "compress", "x-gzip", "aes128gcm", "\t"]
)
async def test_compression_upon_compression_or_of_other_kinds_is_a_415(open_to_all: Served, coding: str) -> None:
    body = _bomb(MIB, layers=2)
    head = HEAD + f"Content-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    status = (await open_to_all.raw(head + body)).split()[1]
    assert status in {b"415", b"400"}
    assert not open_to_all.kafka.log


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_compressed_body_that_never_ends_is_a_400_or_a_408(open_to_all: Served, coding: str) -> None:
    whole = gzip.compress(b'{"property_id":"P","county_id":"B"}') if coding == "gzip" else zlib.compress(b"{}")
    cut = whole[: len(whole) // 2]
    head = HEAD + f"Content-Encoding: {coding}\r\nContent-Length: {len(cut)}\r\n\r\n".encode()
    status = (await open_to_all.raw(head + cut)).split()[1]
    assert status in {b"400", b"408", b"422"}
    assert not open_to_all.kafka.log


async def test_a_body_that_comes_drop_by_drop_gets_no_more_time(open_to_all: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", open_to_all.port)
    writer.write(HEAD + b"Content-Length: 60000\r\n\r\n")
    answer = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
    begun = time.monotonic()
    while not answer.done():
        writer.write(b" ")
        await asyncio.wait([answer], timeout=0.02)
        assert time.monotonic() < begun + 5
    assert (await answer).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_a_hundred_slow_senders_do_not_keep_others_waiting(open_to_all: Served) -> None:
    slow = [await asyncio.open_connection("127.0.0.1", open_to_all.port) for _ in range(100)]
    for number, (_, writer) in enumerate(slow):
        writer.write((HEAD + b"Content-Length: 60000\r\n\r\n{")[: 400 if number % 2 else 40])
    async with asyncio.timeout(5):
        for _ in range(20):
            answer = await open_to_all.client.post(RUN, json={"property_id": "P", "county_id": "B"})
            assert answer.status == 202
    for _, writer in slow:
        writer.close()


@pytest.mark.parametrize(
    "target",
    [
        "/api/v1/counties/a%0d%0aSet-Cookie:%20x=1/model",
        "/api/v1/counties/%00/model",
        "/api/v1/counties/%ff%fe/model",
        "/api/v1/counties/..%2f..%2fetc/model",
        "/docs/assets/..%2f..%2f..%2fetc%2fpasswd",
        "/docs/assets/%2e%2e/start.js",
        "/api/v1/valuation/status/%0d%0aX-Evil:1",
        "/api/v1/valuation/jobs?cursor=%0d%0aX-Evil:1",
        "/api/v1/dead-letters/0:0%0d%0aX-Evil:1",
        "//evil.example/%0d%0aX-Evil:1",
    ],
)
async def test_nothing_of_a_path_becomes_a_header_or_a_file(open_to_all: Served, target: str) -> None:
    request = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    head, _, body = (await open_to_all.raw(request)).partition(b"\r\n\r\n")
    assert 400 <= int(head.split()[1]) < 500
    assert b"Set-Cookie" not in head
    assert b"\r\nX-Evil" not in head
    assert b"root:" not in body


@pytest.mark.parametrize(
    "name", ["X-Request-ID", "Idempotency-Key", "Prefer", "traceparent", "Last-Event-ID", "Origin"]
)
async def test_nothing_of_a_header_becomes_another_or_stops_the_gateway(open_to_all: Served, name: str) -> None:
    for value in (b"a\rX-Evil: 1", b"\x00", b"\xff\xfe", b"x" * 8000, "\u202e".encode(), b'"' * 300):
        body = b'{"property_id":"P","county_id":"B"}'
        head = HEAD + name.encode() + b": " + value + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
        answer = await open_to_all.raw(head + body)
        assert int(answer.split()[1]) < 500, (name, value)
        assert b"\nX-Evil" not in answer.partition(b"\r\n\r\n")[0]


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_bytes_at_all_make_the_gateway_fail(open_to_all: Served, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", open_to_all.port)
    writer.write(sent)
    writer.write_eof()
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    assert not answer or int(answer.split()[1]) < 500


def test_a_library_cannot_be_made_to_forge_lines_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        logs.configure("console")
        logging.getLogger("aiohttp.server").warning("bad request %s", "x\n2026 [error] forged\x1b[2J\r\u202e")
        logs.get_logger("producer.x").error("failed", path="/\n2026 [error] forged\x1b[2J")
    finally:
        root.handlers[:], level = before
        root.setLevel(level)
    written = capsys.readouterr().err
    assert len(written.splitlines()) == 2
    assert not {"\x1b[2J", "\r", "\u202e"} & {each for each in ("\x1b[2J", "\r", "\u202e") if each in written}


async def test_two_hundred_thousand_counties_share_one_label_and_leave_nothing_behind() -> None:
    using = collaborators(FakeRoll.of("BENTON", "P1"), FakeEngine())
    size, labels = 10_000, set()
    for start in range(0, 200_000, size):
        values = (b'{"property_id":"P","county_id":"c%d"}' % number for number in range(start, start + size))
        requests = [
            codec.decode_request(value, key=None, topic="t", partition=0, offset=0, timestamp_ms=0) for value in values
        ]
        assert len({request.county_id for request in requests}) == size
    for start in range(0, 20_000, 2_000):
        records = [FakeRecord(at, request_value("P1", county_id=f"c{start + at}")) for at in range(2_000)]
        labels |= {county for county, _ in handled(_batch(records), using).tally}
    assert labels == {"OTHER"}
    assert len(codec._KNOWN_COUNTIES) <= codec._MAX_KNOWN_COUNTIES


def _batch(records: list[FakeRecord]) -> Batch:
    return batch_of(records)


FUTURE = {
    "an unknown type header": (
        {"property_id": "P1", "county_id": "BENTON"},
        [("ce_type", b"com.terrafusion.valuation.requested.v9")],
    ),
    "an unknown specversion": ({"property_id": "P1", "county_id": "BENTON"}, [("ce_specversion", b"9.0")]),
    "members of tomorrow": ({"property_id": "P1", "county_id": "BENTON", "tomorrow": {"a": [1]}}, []),
    "a header that is null": ({"property_id": "P1", "county_id": "BENTON"}, [("traceparent", None)]),
    "a trace that is none": ({"property_id": "P1", "county_id": "BENTON"}, [("traceparent", b"\xff" * 5000)]),
}


@pytest.mark.parametrize(("value", "headers"), FUTURE.values(), ids=FUTURE.keys())
async def test_a_request_of_tomorrow_is_answered_by_what_it_says_today(
    value: dict[str, object], headers: list[tuple[str, bytes | None]]
) -> None:
    record = FakeRecord(0, orjson.dumps(value), headers=headers)
    outcomes = handled(batch_of([record]), collaborators(FakeRoll.of("BENTON", "P1"), FakeEngine()))
    assert outcomes.tally == {("BENTON", None): 1}


async def test_a_value_of_a_megabyte_is_judged_in_bounds() -> None:
    values = [
        b"[" * MIB,
        b'{"a":' * (MIB // 5),
        orjson.dumps({"property_id": "x" * MIB, "county_id": "B"}),
        orjson.dumps(
            {"property_id": "P1", "county_id": "BENTON", "characteristics": {str(n): n for n in range(60_000)}}
        ),
        b'{"property_id":"P1","county_id":"BENTON","characteristics":{"a":1' + b"0" * MIB + b"}}",
        b"\x00" * MIB,
    ]
    records = [FakeRecord(at, value) for at, value in enumerate(values)]
    outcomes = handled(
        batch_of(records, record_limit=2 * MIB), collaborators(FakeRoll.of("BENTON", "P1"), FakeEngine())
    )
    assert outcomes.dead_positions == list(range(len(values)))
