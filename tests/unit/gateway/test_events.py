import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.unit.gateway.conftest import RUN, Served
from tests.waiting import holds

EVENTS = "/api/v1/valuation/events"
GOOD = {"property_id": "P", "county_id": "BENTON"}


async def frames(answer: aiohttp.ClientResponse) -> AsyncIterator[dict[str, str]]:
    frame: dict[str, str] = {}
    async for line in answer.content:
        text = line.decode().rstrip("\n")
        if not text:
            yield frame
            frame = {}
        else:
            name, _, value = text.partition(": ")
            frame[name] = value


async def test_results_arrive_as_events_with_ids_to_resume_from(served: Served) -> None:
    served.view.answers = lambda _: {"estimated_value": 1}
    async with served.client.get(EVENTS) as answer:
        assert answer.content_type == "text/event-stream"
        events = frames(answer)
        assert await anext(events) == {"retry": "2000", "id": "0"}
        job = await (await served.client.post(RUN, json=GOOD)).json()
        event = await anext(events)
        assert event["id"] == "1"
        assert job["job_id"] in event["data"]


async def test_a_client_resumes_after_the_last_event_it_saw(served: Served) -> None:
    served.view.answers = lambda _: {"estimated_value": 1}
    for _ in range(3):
        await served.client.post(RUN, json=GOOD)
    async with served.client.get(EVENTS, headers={"Last-Event-ID": "1"}) as answer:
        events = frames(answer)
        await anext(events)
        assert [(await anext(events))["id"] for _ in range(2)] == ["2", "3"]
    async with served.client.get(f"{EVENTS}?last_event_id=2") as answer:
        events = frames(answer)
        await anext(events)
        assert (await anext(events))["id"] == "3"


async def test_filters_reach_the_feed_in_their_normal_form(served: Served) -> None:
    own = "8F14E45F-CEEA-467F-A8F5-6AC0D0C5D3B1"
    async with served.client.get(EVENTS, params={"county_id": "king_wa", "batch_id": "b", "job_id": own}):
        (wanted,) = served.view.listening
        assert (wanted.county_id, wanted.batch_id, wanted.job_id) == ("KING", "b", own.lower())


async def test_an_event_id_of_another_stream_is_a_404(served: Served) -> None:
    assert (await served.client.get(EVENTS, headers={"Last-Event-ID": "nonsense"})).status == 404
    assert (await served.client.get(f"{EVENTS}?job_id=x")).status == 400


async def test_who_falls_behind_is_cut_off(served: Served) -> None:
    served.view.overtaken = True
    async with served.client.get(EVENTS) as answer:
        async with asyncio.timeout(5):
            assert (await answer.read()).startswith(b"retry")
    assert served.gateway.metrics.sse_clients == 0
    page = await (await served.client.get("/metrics")).read()
    assert b'gateway_sse_cut_off_total{reason="behind"} 1.0' in page


async def test_head_tells_the_type_and_ends(served: Served) -> None:
    async with asyncio.timeout(5):
        answer = await served.client.head(EVENTS)
    assert (answer.status, answer.content_type) == (200, "text/event-stream")


async def test_listeners_are_counted_and_ended_when_the_gateway_stops(served: Served) -> None:
    async with served.client.get(EVENTS) as answer:
        await anext(frames(answer))
        assert b"gateway_sse_clients 1.0" in await (await served.client.get("/metrics")).read()
        served.gateway.listeners.stop()
        async with asyncio.timeout(5):
            await answer.read()
    assert served.gateway.metrics.sse_clients == 0


async def test_a_client_that_leaves_is_let_go_without_a_word(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    served.view.answers = lambda _: {"estimated_value": 1}
    async with served.client.get(EVENTS) as answer:
        await anext(frames(answer))
        answer.close()

    async def gone() -> bool:
        await served.client.post(RUN, json=GOOD)
        return served.gateway.metrics.sse_clients == 0

    assert await holds(gone, 5)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
