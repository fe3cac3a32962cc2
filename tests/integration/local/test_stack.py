"""The stack as a person starts and stops it: a real Kafka and supervisor, stand-ins for gateway and workers."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local.ports import free_ports
from schemas.settings import StackRecord
from tests.waiting import gone, until

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
START_SECONDS = 60.0
STOP_SECONDS = 15.0


class RunningStack:
    """A stack in a process of its own, as `terrafusion up` would run it."""

    def __init__(self, data_dir: Path, **settings: object) -> None:
        gateway, kafka, processor, _second_worker = free_ports(4)
        ports = {"GATEWAY_PORT": gateway, "PROCESSOR_PORT": processor, "LOCAL_KAFKA_PORT": kafka}
        own = {"DATA_DIR": data_dir, **ports, **settings}
        inherited = {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP_SERVERS"}
        environment = inherited | {name: str(value) for name, value in own.items()}
        self.data_dir = data_dir
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.local.runstack", "--json"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []

    def read_until(self, text: str) -> str:
        """Return the line that holds the text; fail when the output ends before."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if text in line:
                return line
        raise AssertionError(f"{text!r} was not said:\n" + "".join(self.said))

    def ready(self) -> StackRecord:
        return StackRecord.model_validate_json(json.dumps(json.loads(self.read_until('"ready"'))))

    def record(self) -> StackRecord:
        record = StackRecord.read(self.data_dir)
        assert record is not None
        return record

    def stop(self, number: signal.Signals = signal.SIGINT) -> tuple[int, float]:
        """Return the exit code and how long it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(START_SECONDS)
        return code, time.monotonic() - began


Starter = Callable[..., RunningStack]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    started: list[RunningStack] = []

    def begin(**settings: object) -> RunningStack:
        started.append(RunningStack(tmp_path / "data", **settings))
        return started[-1]

    yield begin
    for stack in started:
        stack.process.kill()
        stack.process.communicate()


def test_it_comes_up_records_itself_and_ctrl_c_leaves_nothing(start: Starter) -> None:
    stack = start(WORKERS=2)
    record = stack.ready()
    assert record == stack.record()
    assert set(record.pids) == {"gateway", "worker-0", "worker-1", "kafka-1"}
    assert all(psutil.pid_exists(pid) for pid in record.pids.values())
    code, seconds = stack.stop()
    assert code == 0
    assert seconds < STOP_SECONDS
    assert all(gone(pid) for pid in record.pids.values())
    assert StackRecord.read(stack.data_dir) is None


def test_what_is_killed_is_started_again_in_the_same_place(start: Starter) -> None:
    stack = start()
    before = stack.ready()
    for name in ("gateway", "worker-0", "kafka-1"):
        os.kill(before.pids[name], signal.SIGKILL)
        stack.read_until(f"{name} (process {before.pids[name]}) was killed by SIGKILL")
        stack.read_until(f"{name} is ready again")
    after = stack.record()
    assert not set(after.pids.values()) & set(before.pids.values())
    assert after.model_copy(update={"pids": before.pids}) == before
    stack.stop()
    assert all(gone(pid) for pid in after.pids.values())


def test_it_stops_in_time_while_its_children_are_paused_or_dead(start: Starter) -> None:
    stack = start(WORKERS=2, SLOW_STOP=100)
    pids = stack.ready().pids
    os.kill(pids["worker-0"], signal.SIGSTOP)
    os.kill(pids["gateway"], signal.SIGKILL)
    code, seconds = stack.stop(signal.SIGTERM)
    assert code == 0
    assert seconds < STOP_SECONDS
    assert all(gone(pid) for pid in pids.values())


def test_a_second_ctrl_c_kills_at_once(start: Starter) -> None:
    stack = start(SLOW_STOP=100)
    pids = stack.ready().pids
    stack.process.send_signal(signal.SIGINT)
    stack.read_until("Stopping")
    code, seconds = stack.stop()
    assert code == 130
    assert seconds < 5
    until(lambda: all(gone(pid) for pid in pids.values()))


@linux_only
def test_a_killed_supervisor_leaves_nothing_and_the_next_start_works(start: Starter) -> None:
    stack = start()
    pids = stack.ready().pids
    stack.process.kill()
    until(lambda: all(gone(pid) for pid in pids.values()))
    again = start()
    assert again.ready().supervisor_pid == again.process.pid
    assert again.stop()[0] == 0


def test_it_can_be_stopped_while_it_starts(start: Starter) -> None:
    stack = start()
    stack.read_until("Starting Apache Kafka")
    code, seconds = stack.stop(signal.SIGTERM)
    assert code == 0
    assert seconds < STOP_SECONDS
    children = [each for each in psutil.process_iter(["cmdline"]) if str(stack.data_dir) in str(each.info["cmdline"])]
    assert children == []


def test_a_second_stack_on_the_same_data_is_refused_in_words(start: Starter) -> None:
    first = start()
    record = first.ready()
    second = start()
    second.read_until(f"already (process {record.supervisor_pid}, gateway {record.gateway_url})")
    assert second.process.wait(START_SECONDS) == 1
    assert first.record() == record


def test_a_taken_gateway_port_is_refused_before_anything_is_started(start: Starter) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        stack = start(GATEWAY_PORT=server.getsockname()[1])
        stack.read_until("is taken by process")
        stack.read_until("GATEWAY_PORT=")
        assert stack.process.wait(START_SECONDS) == 1
    assert not (stack.data_dir / "kafka").exists()


def test_a_taken_kafka_port_gives_way_and_is_said(start: Starter) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        stack = start(LOCAL_KAFKA_PORT=port)
        stack.read_until(f"Port {port} is taken; Kafka listens on ")
        assert stack.ready().bootstrap_servers != f"127.0.0.1:{port}"


def test_a_child_that_cannot_start_shows_its_last_words_and_nothing_stays(start: Starter) -> None:
    stack = start(FAIL_TO_START="worker")
    stack.read_until("worker-0 ended with exit code 3")
    stack.read_until("| I cannot")
    assert stack.process.wait(START_SECONDS) == 1


def test_a_given_cluster_is_used_and_left_alone(start: Starter, kafka: str) -> None:
    stack = start(KAFKA_BOOTSTRAP_SERVERS=kafka, TOPIC_PREFIX="given.")
    record = stack.ready()
    assert record.bootstrap_servers == kafka
    assert set(record.pids) == {"gateway", "worker-0"}
    assert stack.stop()[0] == 0
    assert not (stack.data_dir / "kafka").exists()
