"""A local Apache Kafka: one broker or three, from jars, for `terrafusion up` and for the tests."""

import shutil
import signal
import tempfile
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from deploy.errors import BrokerFailed
from deploy.local.archive import archive
from deploy.local.broker import Broker, Runtime, Seat
from deploy.local.child import Heard
from deploy.local.datadir import DataDirectory
from deploy.local.jars import Progress, class_path, lock_digest, read_lock
from deploy.local.java import find_java
from deploy.local.ports import free_ports, is_free

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 8.0
_ATTEMPTS: Final = 3
_POLL_SECONDS: Final = 0.03
_PORT_CONFLICT: Final = "Address already in use"


def prepare_runtime(progress: Progress | None = None) -> Runtime:
    """Return what brokers run on, fetching the jars that the cache lacks.

    Raises:
        JavaMissing: no sufficient Java.
        JarsUnavailable: the jars are neither in the cache nor to be had.
    """
    jars = read_lock()
    java = find_java()
    return Runtime(java, class_path(jars, progress), archive(java, lock_digest(jars)))


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start: how many brokers, where their data lies (None: in a temporary place), the first one's port."""

    brokers: int = 1
    directory: Path | None = None
    port: int | None = None


class LocalKafka:
    """A running local cluster; a context manager that starts and stops it.

    Start it from a thread that outlives it: on Linux the brokers end with that thread, also when it is killed. A given
    directory keeps its data between runs and serves one cluster at a time. The asked-for port is a wish: when it is
    taken, a free one is used. `bootstrap_servers` stays the same until `stop`, through any `kill` and `restart`.
    """

    def __init__(self, plan: Plan | None = None, *, runtime: Runtime | None = None, heard: Heard | None = None) -> None:
        self._plan = plan or Plan()
        self._runtime = runtime
        self._heard = heard
        self._held = ExitStack()
        self._seats: list[Seat] = []
        self._brokers: list[Broker] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def bootstrap_servers(self) -> str:
        """The addresses of all brokers, as clients take them."""
        return ",".join(seat.address for seat in self._seats)

    @property
    def pids(self) -> list[int]:
        """The process ids of the brokers, in their order."""
        return [broker.child.pid for broker in self._brokers]

    def start(self, timeout: float = START_SECONDS) -> None:
        """Start every broker and return when each of them knows all of them to be serving.

        Raises:
            DeployError: what is missing, taken or in use, or how the broker failed. Nothing is left running then.
        """
        try:
            runtime = self._runtime = self._runtime or prepare_runtime()
            directory = self._claim()
            for _ in range(_ATTEMPTS - 1):
                self._launch(directory, runtime)
                if self._await_all(timeout):
                    return
                self._end_all(0)  # a port was taken between choosing and using it
            self._launch(directory, runtime)
            self._await(range(len(self._seats)), timeout)
        except BaseException:
            self.stop()
            raise

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Stop every broker, killing what has not ended within ``timeout`` seconds; no process is left."""
        self._end_all(timeout)
        self._held.close()

    def kill(self, number: int) -> None:
        """Kill broker ``number`` (from 0) at once, as `kill -9` would."""
        self._brokers[number].child.kill()

    def pause(self, number: int) -> None:
        """Stop broker ``number`` from running, as SIGSTOP does: its connections stay open and silent."""
        self._brokers[number].child.signal(signal.SIGSTOP)

    def resume(self, number: int) -> None:
        """Let a paused broker go on."""
        self._brokers[number].child.signal(signal.SIGCONT)

    def spawn(self, number: int) -> None:
        """Start broker ``number`` again, on its port and data, without waiting for it; it must have ended."""
        if self._runtime is None or self._brokers[number].child.exit_code is None:
            raise BrokerFailed(f"Broker {number} is running already.")
        self._brokers[number] = Broker(self._seats[number], self._runtime, self._heard)

    def restart(self, number: int, timeout: float = START_SECONDS) -> None:
        """Start broker ``number`` again as `spawn` does, and return when it serves."""
        self.spawn(number)
        self._await([number], timeout)

    def ended(self) -> list[int]:
        """Return the numbers of the brokers that are not running."""
        return [number for number, broker in enumerate(self._brokers) if broker.child.exit_code is not None]

    def serves(self, number: int) -> bool:
        """Return whether the broker answers and counts itself among the serving ones; waits at most a second."""
        return self._seats[number].number in self._brokers[number].knows()

    def tail(self, number: int, lines: int = 15) -> list[str]:
        """Return the last lines the broker has logged."""
        return self._brokers[number].child.tail(lines)

    def _claim(self) -> DataDirectory:
        path = self._plan.directory
        if path is None:
            path = Path(tempfile.mkdtemp(prefix="terrafusion-kafka-"))
            self._held.callback(shutil.rmtree, path, ignore_errors=True)
        return self._held.enter_context(DataDirectory(path.resolve(), self._plan.brokers))

    def _launch(self, directory: DataDirectory, runtime: Runtime) -> None:
        self._seats = seats = self._take_seats(directory.path)
        for seat in seats:
            seat.write_settings(seats)
        with ThreadPoolExecutor(len(seats)) as pool:
            list(pool.map(lambda seat: seat.format(runtime, directory.cluster_id), seats))
        self._brokers = [Broker(seat, runtime, self._heard) for seat in seats]
        directory.record(self.pids)

    def _take_seats(self, directory: Path) -> list[Seat]:
        count, wish = self._plan.brokers, self._plan.port
        ports = free_ports(2 * count)
        if wish is not None and is_free(wish):
            ports[0] = wish
        return [Seat(i + 1, ports[i], ports[count + i], directory) for i in range(count)]

    def _await_all(self, timeout: float) -> bool:
        """Wait for all brokers; return False when one lost its port to another process."""
        try:
            self._await(range(len(self._seats)), timeout)
        except BrokerFailed as error:
            if any(_PORT_CONFLICT in line for line in error.log):
                return False
            raise
        return True

    def _await(self, numbers: Collection[int], timeout: float) -> None:
        """Return when each of the brokers knows all of these to be serving."""
        wanted = {self._seats[number].number for number in numbers}
        waiting, end = set(numbers), time.monotonic() + timeout
        while waiting:
            for number in self.ended():
                if number in numbers:
                    raise self._failure(number, f"ended with exit code {self._brokers[number].child.exit_code}")
            waiting = {number for number in waiting if not wanted <= self._brokers[number].knows()}
            if waiting and time.monotonic() > end:
                raise self._failure(min(waiting), f"did not answer within {timeout:.0f} s")
            time.sleep(_POLL_SECONDS)

    def _failure(self, number: int, what: str) -> BrokerFailed:
        broker = self._brokers[number]
        return BrokerFailed(
            f"Kafka broker {number + 1} {what}.", hint=f"Its log is {broker.child.log}.", log=broker.child.tail()
        )

    def _end_all(self, timeout: float) -> None:
        end = time.monotonic() + timeout
        for broker in self._brokers:
            broker.child.signal(signal.SIGTERM)
            broker.child.signal(signal.SIGCONT)
        for broker in self._brokers:
            broker.stop(max(0.0, end - time.monotonic()))
        self._brokers.clear()
