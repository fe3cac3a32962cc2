"""Writes the first corpus: a few small inputs for each target, good ones and bad ones, for a fuzzer to vary.

``python -m tests.fuzz.seeds`` makes the files anew; finds of the fuzzer are added by hand, named for what they showed.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import orjson

from processor.lanes.recordbatch import RecordBatch
from processor.wire import frame
from schemas.codec import Request
from schemas.reasons import FailureReason
from schemas.result_codec import encode_completed, encode_failed

CORPUS: Final = Path(__file__).parent / "corpus"
_AT: Final = "2026-11-23T09:00:00.000Z"
_JOB: Final = "0f8fad5b-d9cb-469f-a165-70867728950e"
_KEY: Final = b"\x00key\x00"
_WHAT_IF: Final = {"bedrooms": 3, "view": None, "roof": "tile", "lot": -1.5e3}

_REQUESTS: Final[Sequence[dict[str, object]]] = (
    {"property_id": "PROP123", "county_id": "BENTON"},
    {"job_id": _JOB, "property_id": "P1", "county_id": "benton_wa", "created_at": _AT},
    {"job_id": _JOB, "property_id": "P1", "county_id": "KING", "created_at": _AT, "batch_id": "b"},
    {"property_id": 'P"\\', "county_id": "C", "characteristics": _WHAT_IF, "valuation_date": "2026-01-01"},
    {"property_id": "\u00c4cker", "county_id": "Stra\u00dfe", "valuation_method_hint": "cost", "tomorrow": [1, {}]},
    {"property_id": 5, "county_id": None, "job_id": "x"},
)


def _request() -> Iterator[bytes]:
    yield from map(orjson.dumps, _REQUESTS)
    yield orjson.dumps(_REQUESTS[0]) + _KEY + _JOB.encode()
    yield b'{"job_id":"0f8-adbd5f9cb-469f-a165-70867728950e","property_id":"P","county_id":"C"}'
    yield b'{"job_id":"urn:uuid:0F8FAD5B-D9CB-469F-A165-70867728950E","property_id":"P","county_id":"C"}'
    yield b'{"property_id":"P","property_id":"Q","county_id":1e999}'
    yield b'{"property_id":"\\ud800","county_id":"C"}'
    yield b'{"property_id":"P","county_id":"C","created_at":"2026-11-23T09:00:00.000999+14:00"}'


def _bulk() -> Iterator[bytes]:
    yield b"a" + orjson.dumps(_REQUESTS[:2])
    yield b"a" + orjson.dumps([*_REQUESTS[2:5], {"property_id": "P", "county_id": "C", "created_at": 5}])
    yield b"l" + b"\n".join(map(orjson.dumps, _REQUESTS))
    yield b"l" + b"\r\n \n".join(map(orjson.dumps, _REQUESTS[:1])) + b"\n{\n"
    yield b"a[" + b"[" * 30


def _results() -> Iterator[bytes]:
    yield b"\x07PROP123\x06BENTON\x04cost\x01b\x05wrong\x10"
    yield b'\x04P"\\\xc3\x01C\x00\x02\xc3\xa4\x00\xff'


def _view() -> Iterator[bytes]:
    asked = Request(_JOB, "P1", "BENTON", 1_795_000_000_000, 1, "cost", None, "b")
    yield encode_completed(asked, started_at=_AT, completed_at=_AT, result=b'{"estimated_value":350000.0}')
    yield encode_failed(asked, FailureReason.PROPERTY_NOT_FOUND, "no", started_at=_AT, completed_at=_AT)
    event = orjson.loads(encode_failed(asked, FailureReason.CANCELLED, "", started_at=_AT, completed_at=_AT))
    yield orjson.dumps({"result": None, **event, "batch_id": {}})


def _records() -> Iterator[bytes]:
    yield b"\x03\x01\x01k\x01\x03abc\x02\x01a\x00\x01b\x01\x01x\x00\x00\x00\x01\x00\x01\x05value"
    yield b"\x00\x00\x00\x00"


def _chunk() -> Iterator[bytes]:
    batch = RecordBatch(1 << 20, 1_795_000_000_000)
    batch.extend([frame(b"k", b"v", [("h", None)]), frame(None, None, ())], 0)
    raw = batch._build()
    yield raw
    yield raw + raw[:40]
    yield raw[:8] + (-12).to_bytes(4, "big", signed=True) + raw[12:]
    yield raw[:8] + (4).to_bytes(4, "big") + raw[12:]


SEEDS: Final = {
    "request": _request,
    "bulk": _bulk,
    "results": _results,
    "view": _view,
    "records": _records,
    "chunk": _chunk,
}


def main() -> None:
    """Write the files."""
    for name, seeds in SEEDS.items():
        (CORPUS / name).mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds()):
            (CORPUS / name / f"seed-{number}").write_bytes(seed)


if __name__ == "__main__":
    main()
