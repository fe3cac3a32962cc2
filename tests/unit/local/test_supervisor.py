from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.errors import ChildFailed
from deploy.local.child import Command
from deploy.local.service import Service
from deploy.local.supervisor import (
    FIRST_DELAY,
    LONGEST_DELAY,
    STEADY_SECONDS,
    Stage,
    Supervisor,
    how_it_ended,
    wait_until_ready,
)
from deploy.local.view import Advance


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeService(Service):
    """A service whose process is only told about."""

    def __init__(self, name: str, told: list[str], clock: Clock | None = None, stop_takes: float = 0.0) -> None:
        super().__init__(name)
        self.told = told
        self.code: int | None = None
        self.is_ready = True
        self.starts = 0
        self.fails_to_start = False
        self._clock = clock
        self._stop_takes = stop_takes

    @property
    def pid(self) -> int:
        return 4711 + self.starts

    @property
    def log(self) -> Path | None:
        return Path("x.log")

    def command(self) -> Command:
        raise NotImplementedError

    def start(self) -> None:
        if self.fails_to_start:
            raise OSError("no more processes")
        self.starts += 1
        self.code = None

    def exit_code(self) -> int | None:
        return self.code

    def ready(self) -> bool:
        return self.is_ready

    def ask_to_stop(self) -> None:
        self.told.append(f"ask {self.name}")

    def stop(self, timeout: float) -> None:
        self.told.append(f"stop {self.name} {timeout:g}")
        if self._clock is not None:
            self._clock.now += min(timeout, self._stop_takes)

    def kill(self) -> None:
        self.told.append(f"kill {self.name}")

    def tail(self, lines: int = 15) -> list[str]:
        return ["last words"][:lines]


class Heard:
    """A view that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    @contextmanager
    def step(self, name: str) -> Iterator[Advance]:
        self.lines.append(name)
        yield lambda _done, _total: None

    def say(self, text: str, **_facts: object) -> None:
        self.lines.append(text)

    def warn(self, text: str, **_facts: object) -> None:
        self.lines.append(text)


def one(clock: Clock) -> tuple[FakeService, Heard, Supervisor]:
    service, view = FakeService("worker-0", []), Heard()
    return service, view, Supervisor([Stage([service], 3)], view, clock)


def test_a_killed_service_is_started_again_after_a_moment_and_both_are_said() -> None:
    clock = Clock()
    service, view, supervisor = one(clock)
    service.code = -9
    assert not supervisor.tick()
    assert service.starts == 0
    clock.now += FIRST_DELAY
    assert supervisor.tick()
    assert service.starts == 1
    assert not supervisor.tick()
    assert view.lines == [
        "worker-0 (process 4711) was killed by SIGKILL; starting it again in 0.5 s",
        "worker-0 is ready again",
    ]


def test_it_is_called_ready_only_once_it_is() -> None:
    clock = Clock()
    service, view, supervisor = one(clock)
    service.code, service.is_ready = 1, False
    supervisor.tick()
    clock.now += FIRST_DELAY
    supervisor.tick()
    supervisor.tick()
    assert "worker-0 is ready again" not in view.lines
    service.is_ready = True
    supervisor.tick()
    supervisor.tick()
    assert view.lines.count("worker-0 is ready again") == 1


def delays(clock: Clock, service: FakeService, supervisor: Supervisor, runs: int, lasting: float = 0) -> list[float]:
    """Let the service end again and again, each run lasting so long; return how long each restart took."""
    found = []
    for _ in range(runs):
        clock.now += lasting
        service.code, died, starts = 1, clock.now, service.starts
        while service.starts == starts:
            supervisor.tick()
            clock.now += 0.25
        found.append(clock.now - 0.25 - died)
    return found


def test_restarts_slow_down_to_a_limit() -> None:
    clock = Clock()
    service, _, supervisor = one(clock)
    assert delays(clock, service, supervisor, 8) == [0.5, 1, 2, 4, 8, LONGEST_DELAY, LONGEST_DELAY, LONGEST_DELAY]


def test_a_run_that_lasted_makes_restarts_quick_again() -> None:
    clock = Clock()
    service, _, supervisor = one(clock)
    delays(clock, service, supervisor, 5)
    assert delays(clock, service, supervisor, 2, lasting=STEADY_SECONDS) == [FIRST_DELAY, FIRST_DELAY]


def test_a_start_that_fails_is_tried_again() -> None:
    clock = Clock()
    service, view, supervisor = one(clock)
    service.code, service.fails_to_start = 1, True
    supervisor.tick()
    clock.now += 1
    assert not supervisor.tick()
    assert view.lines[-1] == "worker-0 could not be started: no more processes"
    service.fails_to_start = False
    clock.now += LONGEST_DELAY
    assert supervisor.tick()


def test_stages_stop_in_order_within_one_budget_of_time() -> None:
    clock, told = Clock(), list[str]()
    gateway = FakeService("gateway", told, clock, stop_takes=99)
    workers = [FakeService(f"worker-{n}", told, clock, stop_takes=4) for n in range(2)]
    broker = FakeService("kafka-1", told, clock, stop_takes=1)
    Supervisor([Stage([gateway], 3), Stage(workers, 10), Stage([broker], 14)], Heard(), clock).stop()
    assert told == [
        "ask gateway",
        "stop gateway 3",
        "ask worker-0",
        "ask worker-1",
        "stop worker-0 7",
        "stop worker-1 3",
        "ask kafka-1",
        "stop kafka-1 4",
    ]


def test_waiting_for_readiness_names_the_one_that_ended_with_its_last_words() -> None:
    good, bad = FakeService("gateway", []), FakeService("worker-0", [])
    bad.code = 70
    with pytest.raises(ChildFailed, match=r"worker-0 ended with exit code 70\.(.|\n)*x\.log(.|\n)*last words"):
        wait_until_ready([good, bad], 5, lambda _done, _total: None)


def test_waiting_for_readiness_ends() -> None:
    slow = FakeService("gateway", [])
    slow.is_ready = False
    with pytest.raises(ChildFailed, match="gateway was not ready within 0 s"):
        wait_until_ready([slow], 0, lambda _done, _total: None)


def test_ends_are_said_in_words() -> None:
    assert how_it_ended(3) == "ended with exit code 3"
    assert how_it_ended(-11) == "was killed by SIGSEGV"
    assert how_it_ended(-200) == "was killed by signal 200"
