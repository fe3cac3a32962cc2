"""What aiohttp refuses by itself is a problem document too."""

import orjson
import pytest

from tests.unit.gateway.conftest import RUN, Served

HEAD = f"POST {RUN} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n".encode()
MALFORMED = {
    "TLS": b"\x16\x03\x01\x00\xff\r\n\r\n",
    "no version": b"GET /a b\r\n\r\n",
    "unknown version": b"GET / HTTP/9.9\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "broken header": b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n",
    "long target": b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "long header": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: 1\r\n" * 300 + b"\r\n",
    "length of letters": HEAD + b"Content-Length: abc\r\n\r\n{}",
    "negative length": HEAD + b"Content-Length: -1\r\n\r\n{}",
    "two framings": HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "broken chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "raw bytes in the path": b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
}


def split(answer: bytes) -> tuple[int, bytes, bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), head, body


@pytest.mark.parametrize("request_bytes", MALFORMED.values(), ids=MALFORMED.keys())
async def test_malformed_http_is_a_400(served: Served, request_bytes: bytes) -> None:
    status, head, body = split(await served.raw(request_bytes))
    assert status == 400
    assert b"application/problem+json" in head
    assert b"aiohttp" not in head
    assert orjson.loads(body)["status"] == 400
    assert not served.kafka.log


async def test_a_body_that_does_not_arrive_is_a_408(served: Served) -> None:
    status, head, body = split(await served.raw(HEAD + b"Content-Length: 20\r\n\r\n{"))
    assert (status, orjson.loads(body)["status"]) == (408, 408)
    assert b"application/problem+json" in head


async def test_an_expectation_that_cannot_be_met_is_a_417(served: Served) -> None:
    status, head, _ = split(await served.raw(HEAD + b"Expect: tea\r\nContent-Length: 2\r\n\r\n{}"))
    assert status == 417
    assert b"application/problem+json" in head


async def test_a_client_that_asks_before_it_sends_is_told_to_go_on(served: Served) -> None:
    body = b'{"property_id":"P","county_id":"B"}'
    answer = await served.raw(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 ")


async def test_pipelined_requests_are_answered_in_order(served: Served) -> None:
    one = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = await served.raw(one * 5 + last)
    assert answer.count(b"HTTP/1.1 200 OK") == 5
    assert answer.rindex(b"HTTP/1.1 404") > answer.rindex(b"HTTP/1.1 200 OK")
