import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.gateway.conftest import RUN, Served
from tests.unit.gateway.fakes import FakeView

GOOD = {"property_id": "P", "county_id": "BENTON"}


async def samples(served: Served) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = await served.client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    families = text_string_to_metric_families((await answer.read()).decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


async def test_requests_are_counted_by_route_and_status(served: Served) -> None:
    await served.client.post(RUN, json=GOOD)
    await served.client.post(RUN, json={})
    await served.client.get("/api/v1/valuation/status/x")
    for path in ("/nowhere/1", "/nowhere/2"):
        await served.client.get(path)
    await served.client.request("TRACE", RUN)
    found = await samples(served)

    def count(method: str, endpoint: str, status: str) -> float | None:
        labels = (("endpoint", endpoint), ("http_status", status), ("method", method))
        return found.get(("gateway_http_requests_total", labels))

    assert count("POST", RUN, "202") == 1
    assert count("POST", RUN, "422") == 1
    assert count("GET", "/api/v1/valuation/status/{job_id}", "400") == 1
    assert count("GET", "unmatched_route", "404") == 2
    assert count("OTHER", "unmatched_route", "405") == 1
    assert found["gateway_publish_seconds_count", ()] == 1
    timed = ("gateway_http_request_duration_seconds_count", (("endpoint", RUN), ("method", "POST")))
    assert found[timed] == 2
    assert found["gateway_requests_in_flight", ()] == 1
    assert found["gateway_view_lag_records", ()] == 0
    assert found["gateway_sse_clients", ()] == 0


async def test_liveness_does_not_depend_on_kafka_and_readiness_says_what_is_missing(served: Served) -> None:
    assert (await served.client.get("/readyz")).status == 200
    served.view.ready, served.view.trouble = False, "The job view is 7 records behind."
    served.roll.ready = False
    answer = await served.client.get("/readyz")
    problem = await answer.json()
    assert answer.status == 503
    assert "7 records behind" in problem["detail"]
    assert "property roll" in problem["detail"]
    assert (await served.client.get("/livez")).status == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/assets/swagger-ui-bundle.js", "/docs/assets/start.js"])
async def test_pages_come_from_here_and_load_nothing_from_elsewhere(served: Served, path: str) -> None:
    answer = await served.client.get(path)
    text = await answer.text()
    assert answer.status == 200
    if answer.content_type == "text/html":
        assert "http://" not in text
        assert "https://" not in text
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_unknown_paths_and_methods_are_problems(served: Served) -> None:
    for path in ("/nowhere", "/docs/assets/..%2f..%2fpasswd", "/api/v1/valuation/run/"):
        answer = await served.client.get(path)
        assert (answer.status, answer.content_type) == (404, "application/problem+json"), path
    answer = await served.client.delete(RUN)
    assert (answer.status, answer.content_type) == (405, "application/problem+json")
    assert answer.headers["Allow"] == "OPTIONS, POST"


async def test_the_wrong_method_is_a_405_beside_a_path_with_a_parameter(served: Served) -> None:
    for word in ("replay", "purge"):
        answer = await served.client.get(f"/api/v1/dead-letters/{word}")
        assert (answer.status, answer.headers["Allow"]) == (405, "OPTIONS, POST")
    assert (await served.client.get("/api/v1/dead-letters/replays")).status == 404


async def test_options_and_head_are_answered(served: Served) -> None:
    options = await served.client.options("/api/v1/valuation/jobs")
    assert (options.status, options.headers["Allow"]) == (204, "GET, HEAD, OPTIONS")
    head = await served.client.head("/api/v1/valuation/jobs")
    assert (head.status, await head.read()) == (200, b"")


async def test_a_request_id_is_echoed_where_it_can_be(served: Served) -> None:
    for stated, echoed in (("abc-1", "abc-1"), ("x" * 129, None), ("a\u00e9", None)):
        answer = await served.client.get("/livez", headers={"X-Request-ID": stated})
        assert answer.headers.get("X-Request-ID") == echoed


async def test_a_fault_of_the_gateway_is_a_500_that_tells_nothing(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_view: FakeView, _job_id: object) -> bytes:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(FakeView, "job", broken)
    answer = await served.client.get("/api/v1/valuation/status/8f14e45f-ceea-467f-a8f5-6ac0d0c5d3b1")
    assert (answer.status, answer.content_type) == (500, "application/problem+json")
    assert "secret" not in await answer.text()


async def test_a_client_that_leaves_in_the_middle_disturbs_nobody(served: Served) -> None:
    _reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"POST /api/v1/valuation/run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
    writer.write(b"Content-Length: 100\r\n\r\n{")
    await writer.drain()
    writer.transport.abort()
    assert (await served.client.post(RUN, json=GOOD)).status == 202
