"""Commands and client at a gateway that asks for keys."""

import asyncio
import json

import pytest
from typer.testing import CliRunner, Result

from deploy.cli import build
from producer.client import GatewayClient, RequestRefused
from producer.security.scopes import Scope
from tests.unit.gateway.conftest import Served
from tests.unit.security.conftest import Keys, Ticks


def url(served: Served) -> str:
    return f"http://127.0.0.1:{served.port}"


async def submit(served: Served) -> Result:
    arguments = ["submit", "--county", "B", "P", "--url", url(served), "--json"]
    return await asyncio.to_thread(CliRunner().invoke, build(), arguments)


async def test_commands_present_the_key_of_the_environment(
    guarded: Served, keys: Keys, ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = keys.make()
    ticks.now += 2
    refused = await submit(guarded)
    assert refused.exit_code == 1
    assert "needs an API key" in refused.stderr
    monkeypatch.setenv("GATEWAY_API_KEY", token)
    done = await submit(guarded)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["accepted"] == 1
    assert token not in done.output


async def test_a_key_that_may_not_do_it_is_said_in_a_sentence(
    guarded: Served, keys: Keys, ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_API_KEY", keys.make(Scope.READ))
    ticks.now += 2
    refused = await submit(guarded)
    assert refused.exit_code == 1
    assert "does not hold the scope submit" in refused.stderr


async def test_who_is_told_to_wait_waits_and_gets_through(guarded: Served, keys: Keys, ticks: Ticks) -> None:
    token = keys.make(rate=60)
    ticks.now += 2
    async with GatewayClient(url(guarded), key=token) as client:
        jobs = [await client.submit("B", f"P{number}") for number in range(61)]
    assert len({job["job_id"] for job in jobs}) == 61


async def test_who_goes_on_beyond_the_rate_is_refused_in_the_end(
    guarded: Served, keys: Keys, ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = keys.make(rate=1)
    ticks.now += 2
    monkeypatch.setattr("producer.client._LONGEST_REST_S", 0.01)
    async with GatewayClient(url(guarded), key=token) as client:
        await client.submit("B", "P")
        with pytest.raises(RequestRefused) as refused:
            await client.submit("B", "P")
    assert refused.value.status == 429


async def test_a_stream_that_is_refused_says_so_and_is_not_tried_for_ever(guarded: Served) -> None:
    async with GatewayClient(url(guarded), key="tfk_wrong") as client:
        with pytest.raises(RequestRefused) as refused:
            await anext(client.events())
    assert refused.value.status == 401
