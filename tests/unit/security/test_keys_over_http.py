"""A gateway with a keys file lets in who holds a live key with the scope, and nobody else."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from structlog.testing import capture_logs

from producer.operations import OPERATIONS
from producer.routes.table import Operation
from producer.security.scopes import Scope
from tests.unit.gateway.conftest import RUN, Served
from tests.unit.security.conftest import Keys, Ticks, bearer

GOOD = {"property_id": "P", "county_id": "B"}
JOBS = "/api/v1/valuation/jobs"
OPEN = {"/livez", "/readyz", "/metrics", "/openapi.json", "/asyncapi.json", "/docs", "/docs/assets/{name}", "/"}
PROTECTED = [operation for operation in OPERATIONS if operation.path.startswith("/api/")]


async def test_without_keys_everybody_is_let_in(open_to_all: Served) -> None:
    assert (await open_to_all.client.post(RUN, json=GOOD)).status == 202
    stray = await open_to_all.client.post(RUN, json=GOOD, headers=bearer("whatever"))
    assert stray.status == 202


@pytest.mark.parametrize("operation", PROTECTED, ids=lambda operation: operation.name)
async def test_no_operation_under_api_answers_without_a_key(guarded: Served, operation: Operation) -> None:
    path = re.sub(r"{\w+}", "x", operation.path)
    answer = await guarded.client.request(operation.method, path, json=GOOD)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="terrafusion"'
    assert answer.content_type == "application/problem+json"
    assert orjson.loads(await answer.read())["status"] == 401
    assert not guarded.kafka.log
    if operation.method == "GET":
        assert (await guarded.client.head(path)).status == 401


async def test_health_metrics_and_documents_stay_open(guarded: Served) -> None:
    assert {operation.path for operation in OPERATIONS if operation.public} >= OPEN
    for path in sorted(OPEN - {"/docs/assets/{name}"}):
        assert (await guarded.client.get(path)).status == 200, path


@pytest.mark.parametrize("name", ["Authorization", "X-API-Key", "lower-case scheme"])
async def test_a_key_may_come_in_either_header(guarded: Served, keys: Keys, ticks: Ticks, name: str) -> None:
    token = keys.make()
    ticks.now += 2
    headers = {
        "Authorization": bearer(token),
        "X-API-Key": {"X-API-Key": token},
        "lower-case scheme": {"Authorization": f"bearer {token}"},
    }[name]
    assert (await guarded.client.post(RUN, json=GOOD, headers=headers)).status == 202


@pytest.mark.parametrize("wrong", ["", "x", "tfk_000000000000_" + "A" * 43, "other secret", "other id", "cut", "é"])
async def test_what_is_not_quite_a_key_is_refused(guarded: Served, keys: Keys, ticks: Ticks, wrong: str) -> None:
    token, other = keys.make(), keys.make()
    ticks.now += 2
    presented = {
        "other secret": token[:17] + other[17:],
        "other id": other[:17] + token[17:],
        "cut": token[:-1],
    }.get(wrong, wrong)
    answer = await guarded.client.get(JOBS, headers={"X-API-Key": presented})
    assert answer.status == 401
    if presented:
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert token not in await answer.text()


async def test_a_key_does_only_what_its_scopes_allow(guarded: Served, keys: Keys, ticks: Ticks) -> None:
    reader, submitter, admin = keys.make(Scope.READ), keys.make(Scope.SUBMIT), keys.make(Scope.ADMIN)
    ticks.now += 2

    async def statuses(token: str) -> tuple[int, int]:
        read = await guarded.client.get(JOBS, headers=bearer(token))
        submit = await guarded.client.post(RUN, json=GOOD, headers=bearer(token))
        return read.status, submit.status

    assert await statuses(reader) == (200, 403)
    assert await statuses(submitter) == (403, 202)
    assert await statuses(admin) == (200, 202)
    refused = await guarded.client.post(RUN, json=GOOD, headers=bearer(reader))
    assert refused.headers["WWW-Authenticate"].endswith('error="insufficient_scope", scope="submit"')
    assert len(guarded.kafka.records(guarded.requests)) == 2


async def test_two_keys_of_one_client_are_live_at_once_and_share_its_idempotency_keys(
    guarded: Served, keys: Keys, ticks: Ticks
) -> None:
    old, new, stranger = keys.make(), keys.make(), keys.make(client="another")
    ticks.now += 2

    async def job(token: str) -> str:
        headers = bearer(token) | {"Idempotency-Key": "one"}
        answer = await guarded.client.post(RUN, json=GOOD, headers=headers)
        assert answer.status == 202
        return str((await answer.json())["job_id"])

    assert await job(old) == await job(new)
    assert await job(stranger) != await job(old)
    assert len(guarded.kafka.records(guarded.requests)) == 2


async def test_a_key_is_known_and_forgotten_as_the_file_changes(guarded: Served, keys: Keys, ticks: Ticks) -> None:
    token = keys.make()
    ticks.now += 2
    assert (await guarded.client.get(JOBS, headers=bearer(token))).status == 200
    keys.remove(token)
    ticks.now += 2
    assert (await guarded.client.get(JOBS, headers=bearer(token))).status == 401


async def test_a_keys_file_that_breaks_locks_nobody_out_and_lets_nobody_in(
    guarded: Served, keys: Keys, ticks: Ticks
) -> None:
    token = keys.make()
    ticks.now += 2
    assert (await guarded.client.get(JOBS, headers=bearer(token))).status == 200
    keys.path.write_text("{")
    ticks.now += 2
    assert (await guarded.client.get(JOBS, headers=bearer(token))).status == 200
    keys.path.unlink()
    ticks.now += 2
    assert (await guarded.client.get(JOBS, headers=bearer(token))).status == 200
    assert (await guarded.client.get(JOBS)).status == 401


async def test_a_key_ends_at_its_time(guarded: Served, keys: Keys, ticks: Ticks) -> None:
    now = datetime.now(UTC)
    ended, lasting = keys.make(not_after=now - timedelta(seconds=1)), keys.make(not_after=now + timedelta(hours=1))
    ticks.now += 2
    assert (await guarded.client.get(JOBS, headers=bearer(ended))).status == 401
    assert (await guarded.client.get(JOBS, headers=bearer(lasting))).status == 200


async def test_a_key_beyond_its_rate_is_told_when_to_come_back(guarded: Served, keys: Keys, ticks: Ticks) -> None:
    token, other = keys.make(rate=3), keys.make(rate=3)
    ticks.now += 2
    answers = [await guarded.client.get(JOBS, headers=bearer(token)) for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"key";q=3;w=60'}
    rest = int(answers[-1].headers["Retry-After"])
    assert 0 < rest <= 60
    assert orjson.loads(await answers[-1].read())["status"] == 429
    assert (await guarded.client.get(JOBS, headers=bearer(other))).status == 200


async def test_a_refused_body_costs_the_rate_too_and_says_so(guarded: Served, keys: Keys, ticks: Ticks) -> None:
    token = keys.make(rate=5)
    ticks.now += 2
    answer = await guarded.client.post(RUN, json={}, headers=bearer(token))
    assert (answer.status, answer.headers["RateLimit"].split(";")[1]) == (422, "r=4")


async def test_the_consoles_cookie_changes_nothing_at_another_sites_bidding(
    guarded: Served, keys: Keys, ticks: Ticks
) -> None:
    cookie = {"Cookie": f"terrafusion_key={keys.make()}"}
    ticks.now += 2
    own = f"http://127.0.0.1:{guarded.port}"

    async def post(**said: str) -> int:
        headers = cookie | {name.replace("_", "-"): value for name, value in said.items()}
        return (await guarded.client.post(RUN, json=GOOD, headers=headers)).status

    assert (await guarded.client.get(JOBS, headers=cookie)).status == 200
    assert await post(Sec_Fetch_Site="same-origin") == 202
    assert await post(Origin=own) == 202
    assert await post() == 401
    assert await post(Sec_Fetch_Site="cross-site") == 401
    assert await post(Sec_Fetch_Site="same-site", Origin=own) == 401
    assert await post(Origin="http://evil.example") == 401
    assert await post(Origin="null") == 401


async def test_a_stream_ends_when_its_key_is_revoked(guarded: Served, keys: Keys, ticks: Ticks) -> None:
    guarded.view.answers = lambda _: {"estimated_value": 1}
    token, submitter = keys.make(), keys.make()
    ticks.now += 2
    async with guarded.client.get("/api/v1/valuation/events", headers=bearer(token)) as stream:
        assert stream.status == 200
        await stream.content.readuntil(b"\n\n")
        keys.remove(token)
        ticks.now += 2
        assert (await guarded.client.post(RUN, json=GOOD, headers=bearer(submitter))).status == 202
        async with asyncio.timeout(5):
            assert await stream.content.read() == b""


async def test_refused_keys_are_named_in_the_log_and_never_shown(guarded: Served, keys: Keys, ticks: Ticks) -> None:
    ended, reader = keys.make(not_after=datetime.now(UTC)), keys.make(Scope.READ)
    ticks.now += 2
    with capture_logs() as events:
        await guarded.client.get(JOBS, headers=bearer(ended))
        await guarded.client.get(JOBS, headers={"X-API-Key": "no key of ours"})
        await guarded.client.post(RUN, json=GOOD, headers=bearer(reader))
    said = [event for event in events if event["log_level"] == "warning"]
    assert [event["key"] for event in said] == [ended[4:16], None, reader[4:16]]
    assert not [secret for secret in (ended[17:], reader[17:], "no key") if secret in str(events)]
