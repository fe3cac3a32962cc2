"""Dead letters through a real gateway that asks for keys."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.cli import build
from schemas.topics import Topics
from tests.integration.deadletters.letters import put_letters
from tests.integration.gateway.gateways import GatewayProcess, running
from tests.kafka import create_topics
from tests.records import committed_records

PATH = "/api/v1/dead-letters"
FIX = {"county_id": "BENTON"}


def _key(file: Path, *scopes: str) -> dict[str, str]:
    arguments = ["keys", "create", "x", "--file", str(file), "--json", *(f"--scope={scope}" for scope in scopes)]
    made = json.loads(CliRunner().invoke(build(), arguments).stdout)
    return {"Authorization": f"Bearer {made['key']}"}


async def _pages(gateway: GatewayProcess, headers: dict[str, str], limit: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        status, page = await gateway.json("GET", PATH, params={"limit": str(limit), **cursor}, headers=headers)
        assert status == 200, page
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = {"cursor": page["next"]}


@pytest.fixture
async def one_gateway(kafka: str, tmp_path: Path) -> AsyncIterator[GatewayProcess]:
    topics = await create_topics(kafka)
    async with running(kafka, topics.requests.name.removesuffix("valuation.requests"), tmp_path) as gateway:
        yield gateway


@pytest.fixture
async def topics(kafka: str) -> Topics:
    made = await create_topics(kafka)
    await put_letters(kafka, made, 25)
    return made


async def test_letters_are_paged_replayed_once_and_purged_by_who_may(
    kafka: str, topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "keys.json"
    reader, admin = _key(file, "read", "submit"), _key(file, "admin")
    monkeypatch.setenv("GATEWAY_API_KEYS_FILE", str(file))
    prefix = topics.requests.name.removesuffix("valuation.requests")
    async with running(kafka, prefix, tmp_path) as gateway:
        assert (await gateway.json("GET", PATH))[0] == 401
        items = await _pages(gateway, reader, 7)
        assert len({item["position"] for item in items}) == 25
        times = [item["timestamp"] for item in items]
        assert times == sorted(times, reverse=True)
        assert len(await _pages(gateway, reader, 200)) == 25
        _, groups = await gateway.json("GET", f"{PATH}/groups", headers=reader)
        assert (groups["total"], [group["count"] for group in groups["groups"]]) == (25, [25])
        _, letter = await gateway.json("GET", f"{PATH}/{items[0]['position']}", headers=reader)
        assert json.loads(letter["value"])["property_id"] in {f"P{number}" for number in range(25)}
        assert letter["value"] == items[0]["preview"]

        order = {"positions": [items[0]["position"], items[1]["position"]], "fix": FIX}
        assert (await gateway.json("POST", f"{PATH}/replay", json=order, headers=reader))[0] == 403
        assert not list(committed_records(kafka, topics.requests.name))
        said = [await gateway.json("POST", f"{PATH}/replay", json=order, headers=admin) for _ in range(2)]
        assert [[each["outcome"] for each in answer["letters"]] for _, answer in said] == [
            ["replayed"] * 2,
            ["already"] * 2,
        ]
        published = list(committed_records(kafka, topics.requests.name))
        assert {record.key.decode() for record in published if record.key} == {
            each["job_id"] for each in said[0][1]["letters"]
        }
        assert len(published) == 2

        job = said[0][1]["letters"][0]["job_id"]
        status, found = await gateway.json("GET", f"/api/v1/valuation/status/{job}", headers=reader)
        assert (status, found["county_id"]) == (200, "BENTON")

        last = max(int(item["offset"]) for item in items if item["partition"] == 1)
        up_to = {"up_to": [f"1:{last}"]}
        assert (await gateway.json("POST", f"{PATH}/purge", json=up_to, headers=reader))[0] == 403
        assert (await gateway.json("POST", f"{PATH}/purge", json=up_to, headers=admin))[0] == 200
        assert {item["partition"] for item in await _pages(gateway, reader, 200)} == {0, 2}
    log = gateway.log.read_text()
    assert "dead letters were replayed" in log
    assert admin["Authorization"].removeprefix("Bearer ")[17:] not in log


async def test_several_pages_and_replays_at_once_answer_all(kafka: str, topics: Topics, tmp_path: Path) -> None:
    prefix = topics.requests.name.removesuffix("valuation.requests")
    async with running(kafka, prefix, tmp_path) as gateway:
        order = {"positions": [f"0:{offset}" for offset in range(5)], "fix": FIX}
        answers = await asyncio.gather(
            *(gateway.json("POST", f"{PATH}/replay", json=order) for _ in range(3)),
            *(gateway.json("GET", PATH) for _ in range(6)),
        )
        assert {status for status, _ in answers} == {200}
        assert len(list(committed_records(kafka, topics.requests.name))) == 5


REFUSED: list[tuple[str, str, object, int]] = [
    ("GET", "/0:999", None, 404),
    ("GET", "/nonsense", None, 404),
    ("GET", "?cursor=x", None, 400),
    ("GET", "?limit=0", None, 400),
    ("POST", "/replay", {"positions": []}, 422),
    ("POST", "/replay", {"positions": ["x"]}, 422),
    ("POST", "/replay", {"positions": ["0:1"], "fix": []}, 422),
    ("POST", "/replay", {"positions": ["0:0", "0:1"], "fix": {"job_id": "x"}}, 422),
    ("POST", "/replay", {"positions": ["0:999"]}, 404),
    ("POST", "/purge", {}, 422),
    ("POST", "/purge", {"up_to": ["0:999"]}, 404),
]


async def test_what_cannot_be_done_is_a_problem(one_gateway: GatewayProcess) -> None:
    for method, path, body, status in REFUSED:
        answer = await one_gateway.json(method, PATH + path, **({} if body is None else {"json": body}))
        assert (answer[0], answer[1]["status"]) == (status, status), (path, body)
