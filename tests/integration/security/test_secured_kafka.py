"""The whole system on a Kafka that trusts nobody, with no more rights than `topics acls` says."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
import trustme
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

from deploy.access import READERS, rules_for
from schemas.settings import KafkaSettings
from schemas.topics import topics
from tests.integration.gateway.gateways import GOOD, RUN, GatewayProcess
from tests.integration.processor.workers import WorkerProcess
from tests.integration.security.secured import SecuredKafka, secured_kafka

PREFIX = "county7."
TABLE = topics(PREFIX)
ROLES = ("gateway", "worker", "reader", "operator")


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    with secured_kafka(tmp_path_factory.mktemp("secured")) as kafka:
        kafka.allow(rules_for(PREFIX, None, [f"{role}=User:{role}" for role in ROLES]))
        yield kafka


@pytest.fixture(scope="module")
def logins(secured: SecuredKafka) -> dict[str, dict[str, str]]:
    """Everybody's environment; the topics exist, made by the operator."""
    made = {role: secured.user(role, f"secret-of-{role}-{uuid4().hex}") for role in ROLES}
    done = terrafusion(made["operator"], "topics", "apply", "--json")
    assert done.returncode == 0, done.stderr
    return made


def terrafusion(env: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy", *arguments],
        env={**os.environ, "TOPIC_PREFIX": PREFIX, **env},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def options(env: Mapping[str, str], directory: Path) -> dict[str, object]:
    named = {name.removeprefix("KAFKA_").lower(): value for name, value in env.items()}
    return KafkaSettings.model_validate(named).client_options(directory)


@contextmanager
def working(env: Mapping[str, str], directory: Path) -> Iterator[WorkerProcess]:
    worker = WorkerProcess(env["KAFKA_BOOTSTRAP_SERVERS"], PREFIX, directory, env)
    try:
        yield worker
    finally:
        worker.process.kill()
        worker.process.wait()


async def read_as(env: Mapping[str, str], directory: Path, topic: str, group: str | None) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        topic,
        **options(env, directory),
        group_id=group,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    try:
        await consumer.start()
        found: list[bytes] = []
        async with asyncio.timeout(30):
            while not found:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += [record.value for record in records]
        return found
    finally:
        await consumer.stop()


@pytest.mark.parametrize("way", ["SASL_SSL", "mTLS"])
async def test_a_request_becomes_a_result_with_the_least_of_rights(
    secured: SecuredKafka, logins: dict[str, dict[str, str]], tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = logins if way == "SASL_SSL" else {role: secured.certified(role) for role in ROLES}
    for name, value in env["gateway"].items():
        monkeypatch.setenv(name, value)
    gateway = GatewayProcess(env["gateway"]["KAFKA_BOOTSTRAP_SERVERS"], PREFIX, tmp_path)
    with working(env["worker"], tmp_path) as worker:
        try:
            await gateway.start()
            assert await gateway.answers("/readyz"), gateway.log.read_text()
            await asyncio.to_thread(worker.wait_ready)
            status, job = await gateway.json("POST", RUN, json=GOOD, headers={"Prefer": "wait=20"})
            assert (status, job["status"]) == (200, "COMPLETED"), job
            assert (await gateway.json("GET", "/api/v1/dead-letters"))[0] == 200
            seen = await read_as(env["reader"], tmp_path, TABLE.results.name, f"{READERS}-{way}")
            assert job["job_id"] in {orjson.loads(value)["job_id"] for value in seen}
            assert await asyncio.to_thread(worker.stop) == 0
            assert await gateway.stop() == 0
        finally:
            await gateway.client.close()
            if gateway.process is not None and gateway.process.returncode is None:
                gateway.process.kill()
                await gateway.process.wait()
    said = gateway.log.read_text() + worker.log.read_text()
    assert not [secret for secret in secured.secrets.values() if secret in said]
    assert "authoriz" not in said.lower()


def test_an_operator_makes_topics_and_replays_dead_letters(
    secured: SecuredKafka, logins: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    async def put() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=secured.plain)
        await producer.start()
        await producer.send_and_wait(TABLE.dead_letters.name, b"{}", partition=3)
        await producer.stop()

    asyncio.run(put())
    env = logins["operator"] | {"DATA_DIR": str(tmp_path)}
    listed = terrafusion(env, "dlq", "list", "--json")
    position = orjson.loads(listed.stdout)["letters"][0]["position"]
    replayed = terrafusion(env, "dlq", "replay", position, "--json")
    assert orjson.loads(replayed.stdout)["replayed"] == 1, replayed.stderr
    assert terrafusion(env, "dlq", "purge", "--all", "--yes", "--json").returncode == 0
    assert terrafusion(logins["reader"], "dlq", "list").returncode == 1
    assert terrafusion(logins["reader"], "topics", "apply").returncode == 1


@pytest.mark.parametrize(
    ("role", "topic"),
    [
        ("gateway", TABLE.results),
        ("gateway", TABLE.dead_letters),
        ("gateway", TABLE.models),
        ("worker", TABLE.requests),
        ("worker", TABLE.property_records),
        ("worker", TABLE.models),
        ("reader", TABLE.results),
        ("reader", TABLE.requests),
    ],
    ids=lambda each: each if isinstance(each, str) else each.name,
)
async def test_nobody_writes_what_is_not_his(
    logins: dict[str, dict[str, str]], tmp_path: Path, role: str, topic: object
) -> None:
    name = getattr(topic, "name", "")
    producer = AIOKafkaProducer(**options(logins[role], tmp_path), enable_idempotence=False)
    await producer.start()
    try:
        with pytest.raises((TopicAuthorizationFailedError, TimeoutError)):
            async with asyncio.timeout(5):
                await producer.send_and_wait(name, b"forged", partition=0)
    finally:
        await producer.stop()


@pytest.mark.parametrize(
    ("role", "topic", "group"),
    [
        ("reader", TABLE.requests, READERS),
        ("reader", TABLE.dead_letters, READERS),
        ("reader", TABLE.results, "valuation-processor"),
        ("worker", TABLE.results, None),
        ("reader", TABLE.property_records, None),
    ],
)
async def test_nobody_reads_what_is_not_his(
    logins: dict[str, dict[str, str]], tmp_path: Path, role: str, topic: object, group: str | None
) -> None:
    with pytest.raises((TopicAuthorizationFailedError, GroupAuthorizationFailedError)):
        await read_as(logins[role], tmp_path, getattr(topic, "name", ""), group)


async def test_a_worker_cannot_fence_the_lanes_of_another_group(
    logins: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    producer = AIOKafkaProducer(**options(logins["worker"], tmp_path), transactional_id="other-group.x.0")
    with pytest.raises(KafkaError, match=r"(?i)authoriz"):
        await producer.start()
    await producer.stop()


async def test_nobody_gets_in_with_a_wrong_password_or_a_strangers_certificate(
    secured: SecuredKafka, tmp_path: Path
) -> None:
    stranger = secured.certified("worker-of-a-stranger", trustme.CA())
    for env in (secured.login("gateway", "wrong"), stranger):
        consumer = AIOKafkaConsumer(**options(env, tmp_path), group_id=None)
        with pytest.raises(KafkaError):
            await consumer.start()
        await consumer.stop()


async def test_a_broker_that_the_authority_does_not_vouch_for_is_not_spoken_to(
    logins: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    env = logins["gateway"] | {"KAFKA_SSL_CAFILE": str(tmp_path / "other.pem")}
    consumer = AIOKafkaConsumer(**options(env, tmp_path), group_id=None)
    with pytest.raises(KafkaError):
        await consumer.start()
    await consumer.stop()
