import asyncio

import pytest

from tests.unit.gateway.conftest import RUN, Served

GOOD = {"property_id": "P", "county_id": "BENTON"}
KEY = {"Idempotency-Key": "order-4711"}


async def test_the_same_key_with_the_same_body_is_the_same_job(served: Served) -> None:
    first = await served.client.post(RUN, json=GOOD, headers=KEY)
    again = await served.client.post(RUN, data=b'{"county_id": "BENTON",\n "property_id":"P"}', headers=KEY | JSON)
    assert (first.status, again.status) == (202, 202)
    assert await again.json() == await first.json()
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(served.kafka.records(served.requests)) == 1


JSON = {"Content-Type": "application/json"}


async def test_the_same_key_with_another_body_is_refused(served: Served) -> None:
    await served.client.post(RUN, json=GOOD, headers=KEY)
    answer = await served.client.post(RUN, json=GOOD | {"property_id": "Q"}, headers=KEY)
    assert answer.status == 422
    assert len(served.kafka.records(served.requests)) == 1


async def test_quotes_around_a_key_are_not_part_of_it(served: Served) -> None:
    first = await served.client.post(RUN, json=GOOD, headers=KEY)
    again = await served.client.post(RUN, json=GOOD, headers={"Idempotency-Key": '"order-4711"'})
    assert (await again.json())["job_id"] == (await first.json())["job_id"]


async def test_another_gateway_knows_the_key_from_the_topic(served: Served) -> None:
    first = await served.client.post(RUN, json=GOOD, headers=KEY)
    served.gateway.keys._claims.clear()
    again = await served.client.post(RUN, json=GOOD, headers=KEY)
    assert (await again.json())["job_id"] == (await first.json())["job_id"]
    other = await served.client.post(RUN, json=GOOD | {"property_id": "Q"}, headers=KEY)
    assert other.status == 422
    assert len(served.kafka.records(served.requests)) == 1


async def test_a_key_is_looked_up_only_after_the_view_has_caught_up(served: Served) -> None:
    served.view.reachable = False
    answer = await served.client.post(RUN, json=GOOD, headers=KEY)
    assert answer.status == 503
    assert not served.kafka.log
    served.view.reachable = True
    assert (await served.client.post(RUN, json=GOOD, headers=KEY)).status == 202


async def test_requests_with_one_key_that_arrive_together_make_one_job(served: Served) -> None:
    answers = await asyncio.gather(*(served.client.post(RUN, json=GOOD, headers=KEY) for _ in range(20)))
    assert {answer.status for answer in answers} == {202}
    assert len({(await answer.json())["job_id"] for answer in answers}) == 1
    assert len(served.kafka.records(served.requests)) == 1


async def test_a_key_whose_publishing_failed_may_be_tried_again(served: Served) -> None:
    served.kafka.hanging = True
    failed = await served.client.post(RUN, json=GOOD, headers=KEY)
    served.kafka.waiting.clear()
    served.kafka.hanging = False
    assert failed.status == 503
    served.gateway.publisher._lanes["valuation.requests"][0].broken()
    async with asyncio.timeout(5):
        while (again := await served.client.post(RUN, json=GOOD, headers=KEY)).status != 202:
            pass
    assert (await again.json())["job_id"] == (await failed.json())["job_id"]


async def test_a_repeated_key_may_wait_for_the_result_too(served: Served) -> None:
    served.view.answers = lambda _: {"estimated_value": 1}
    await served.client.post(RUN, json=GOOD, headers=KEY)
    again = await served.client.post(RUN, json=GOOD, headers=KEY | {"Prefer": "wait=5"})
    assert (again.status, (await again.json())["result"]) == (200, {"estimated_value": 1})


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "ключ", '""'])
async def test_a_key_that_is_none_is_a_400(served: Served, key: str) -> None:
    answer = await served.client.post(RUN, json=GOOD, headers={"Idempotency-Key": key})
    assert answer.status == 400
    assert not served.kafka.log


async def test_a_new_key_does_not_lead_past_a_job_id_that_is_taken(served: Served) -> None:
    own = {"job_id": "8f14e45f-ceea-467f-a8f5-6ac0d0c5d3b1"}
    await served.client.post(RUN, json=GOOD | own)
    again = await served.client.post(RUN, json=GOOD | own, headers=KEY)
    assert (again.status, again.headers["Idempotency-Replayed"]) == (202, "true")
    other = await served.client.post(RUN, json=GOOD | own | {"property_id": "Q"}, headers={"Idempotency-Key": "other"})
    assert other.status == 409
    assert len(served.kafka.records(served.requests)) == 1
