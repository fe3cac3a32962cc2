"""Keep services running: start again what has ended, ever more slowly when it keeps ending, and stop all in order."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from signal import Signals
from typing import Final

from deploy.errors import ChildFailed
from deploy.local.service import Service
from deploy.local.view import View

FIRST_DELAY: Final = 0.5
LONGEST_DELAY: Final = 15.0
STEADY_SECONDS: Final = 60.0
_TICK_SECONDS: Final = 0.1

Clock = Callable[[], float]


@dataclass(slots=True)
class _Care:
    """What the supervisor knows of one service; times are the clock's."""

    service: Service
    began: float
    delay: float = FIRST_DELAY
    due: float | None = None
    reported: bool = True


@dataclass(frozen=True, slots=True)
class Stage:
    """Services that are stopped together, and the seconds from the first request to stop until they are killed."""

    services: Sequence[Service]
    until: float


class Supervisor:
    """Looks after services that run already. Not for several threads."""

    def __init__(self, stages: Sequence[Stage], view: View, clock: Clock = time.monotonic) -> None:
        self._stages = stages
        self._view = view
        self._clock = clock
        self._cares = [_Care(service, clock()) for stage in stages for service in stage.services]

    def run(self, changed: Callable[[], object]) -> None:
        """Look after the services until an exception, such as Ctrl-C's, ends it; ``changed`` is called after starts."""
        while True:
            if self.tick():
                changed()
            time.sleep(_TICK_SECONDS)

    def tick(self) -> bool:
        """Look once at every service; return whether one was started again."""
        started = [self._look(care) for care in self._cares]
        return any(started)

    def stop(self) -> None:
        """Stop the services stage by stage, each within its time, and return when none is left."""
        began = self._clock()
        for stage in self._stages:
            for service in stage.services:
                service.ask_to_stop()
            for service in stage.services:
                service.stop(max(0.0, began + stage.until - self._clock()))

    def kill(self) -> None:
        """Kill every service at once."""
        for care in self._cares:
            care.service.kill()

    def _look(self, care: _Care) -> bool:
        now = self._clock()
        if care.due is not None:
            return now >= care.due and self._start(care)
        code = care.service.exit_code()
        if code is not None:
            self._plan_start(care, code, now)
        elif not care.reported and care.service.ready():
            care.reported = True
            self._view.say(f"{care.service.name} is ready again", service=care.service.name, pid=care.service.pid)
        return False

    def _plan_start(self, care: _Care, code: int, now: float) -> None:
        if now - care.began >= STEADY_SECONDS:
            care.delay = FIRST_DELAY
        care.due = now + care.delay
        name, pid = care.service.name, care.service.pid
        text = f"{name} (process {pid}) {how_it_ended(code)}; starting it again in {care.delay:g} s"
        self._view.warn(text, service=name, exit_code=code)
        care.delay = min(2 * care.delay, LONGEST_DELAY)

    def _start(self, care: _Care) -> bool:
        try:
            care.service.start()
        except OSError as error:  # no process or memory to be had, say
            care.due = self._clock() + care.delay
            self._view.warn(f"{care.service.name} could not be started: {error}", service=care.service.name)
            return False
        care.began, care.due, care.reported = self._clock(), None, False
        return True


def wait_until_ready(services: Sequence[Service], timeout: float, advance: Callable[[int, int], None]) -> None:
    """Return when every service is ready.

    Raises:
        ChildFailed: one ended or is not ready in time; carries its last log lines.
    """
    waiting, end = list(services), time.monotonic() + timeout
    while waiting:
        for service in services:
            if (code := service.exit_code()) is not None:
                raise _failure(service, how_it_ended(code))
        waiting = [service for service in waiting if not service.ready()]
        advance(len(services) - len(waiting), len(services))
        if waiting and time.monotonic() > end:
            raise _failure(waiting[0], f"was not ready within {timeout:.0f} s")
        time.sleep(_TICK_SECONDS if waiting else 0)


def how_it_ended(code: int) -> str:
    """Return an exit code in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was killed by {Signals(-code).name if -code in set(Signals) else f'signal {-code}'}"


def _failure(service: Service, what: str) -> ChildFailed:
    return ChildFailed(f"{service.name} {what}.", hint=f"Its log is {service.log}.", log=service.tail())
