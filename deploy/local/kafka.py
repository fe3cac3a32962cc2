"""A local Apache Kafka: one broker or three, from jars, for `terrafusion up` and for the tests."""

import shutil
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from deploy.errors import BrokerFailed
from deploy.local.archive import archive
from deploy.local.broker import Broker, More, Runtime, Seat
from deploy.local.child import Heard
from deploy.local.datadir import DataDirectory
from deploy.local.jars import Progress, class_path, lock_digest, read_lock
from deploy.local.java import find_java
from deploy.local.ports import free_ports, is_free

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 8.0
_FORGET_SECONDS: Final = 1.0
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
    """What to start: how many brokers, where their data lies (None: in a temporary place), and where they log.

    ``port`` is the wish for the first broker's; ``logs`` lie beside the data by default; ``more`` is for one broker.
    """

    brokers: int = 1
    directory: Path | None = None
    port: int | None = None
    logs: Path | None = None
    more: More | None = None


class LocalKafka:
    """A running local cluster; a context manager that starts and stops it.

    Start it from a thread that outlives it: on Linux the brokers end with that thread, also when it is killed. A given
    directory keeps its data between runs and serves one cluster at a time. The asked-for port is a wish: when it is
    taken, a free one is used. `bootstrap_servers` and `brokers` stay the same until `stop`; a single broker may be
    killed, paused and started again through `brokers`.
    """

    def __init__(self, plan: Plan | None = None, *, runtime: Runtime | None = None, heard: Heard | None = None) -> None:
        self._plan = plan or Plan()
        self._runtime = runtime
        self._heard = heard
        self._held = ExitStack()
        self.brokers: Sequence[Broker] = ()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def bootstrap_servers(self) -> str:
        """The addresses of all brokers, as clients take them."""
        return ",".join(broker.seat.address for broker in self.brokers)

    def start(self, timeout: float = START_SECONDS) -> None:
        """Start every broker and return when each of them knows all of them to be serving.

        Raises:
            DeployError: what is missing, taken or in use, or how the broker failed. Nothing is left running then.
        """
        try:
            runtime = self._runtime or prepare_runtime()
            directory = self._claim()
            for left in reversed(range(_ATTEMPTS)):
                self._launch(directory, runtime)
                if self._serving(timeout, retriable=left > 0):
                    break
            directory.record(self.bootstrap_servers)
        except BaseException:
            self.stop()
            raise

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Stop every broker, killing what has not ended within ``timeout`` seconds; no process is left.

        The data of a temporary directory is lost anyway: there nothing waits for a majority that is going away.
        """
        lasting = self._plan.directory is not None or any(broker.records_archive for broker in self.brokers)
        self._end_all(timeout if lasting else min(timeout, _FORGET_SECONDS))
        self._held.close()

    def kill(self, number: int) -> None:
        """Kill broker ``number`` (from 0) at once, as `kill -9` would."""
        self.brokers[number].kill()

    def restart(self, number: int, timeout: float = START_SECONDS) -> None:
        """Start broker ``number``, which has ended, on its port and data again, and return when it serves."""
        self.brokers[number].start()
        self._wait_for([self.brokers[number]], timeout)

    def wait(self, timeout: float = START_SECONDS) -> None:
        """Return when each broker knows all of them to be serving.

        Raises:
            BrokerFailed: one has ended, or one does not answer in time.
        """
        self._wait_for(self.brokers, timeout)

    def _claim(self) -> DataDirectory:
        path = self._plan.directory
        if path is None:
            path = Path(tempfile.mkdtemp(prefix="terrafusion-kafka-"))
            self._held.callback(shutil.rmtree, path, ignore_errors=True)
        return self._held.enter_context(DataDirectory(path.resolve(), self._plan.brokers))

    def _serving(self, timeout: float, *, retriable: bool) -> bool:
        """Wait for all brokers; return False when one lost its port to another process before it listened."""
        try:
            self.wait(timeout)
        except BrokerFailed as error:
            if not retriable or not any(_PORT_CONFLICT in line for line in error.log):
                raise
            self._end_all(0)
            return False
        return True

    def _launch(self, directory: DataDirectory, runtime: Runtime) -> None:
        seats = self._take_seats(directory.path)
        for seat in seats:
            seat.write_settings(seats, self._plan.more)
        with ThreadPoolExecutor(len(seats)) as pool:
            list(pool.map(lambda seat: seat.format(runtime, directory.cluster_id), seats))
        self.brokers = tuple(Broker(seat, runtime, self._heard) for seat in seats)
        for broker in self.brokers:
            broker.start()

    def _take_seats(self, directory: Path) -> list[Seat]:
        count, wish, logs = self._plan.brokers, self._plan.port, self._plan.logs or directory
        ports = free_ports(2 * count)
        if wish is not None and is_free(wish):
            ports[0] = wish
        return [Seat(i + 1, ports[i], ports[count + i], directory, logs) for i in range(count)]

    def _wait_for(self, brokers: Sequence[Broker], timeout: float) -> None:
        wanted = {broker.seat.number for broker in brokers}
        waiting, end = list(brokers), time.monotonic() + timeout
        while waiting:
            for broker in brokers:
                if (code := broker.exit_code()) is not None:
                    raise _failure(broker, f"ended with exit code {code}")
            waiting = [broker for broker in waiting if not wanted <= broker.knows()]
            if waiting and time.monotonic() > end:
                raise _failure(waiting[0], f"did not answer within {timeout:.0f} s")
            time.sleep(_POLL_SECONDS)

    def _end_all(self, timeout: float) -> None:
        end = time.monotonic() + timeout
        for broker in self.brokers:
            broker.ask_to_stop()
        for broker in self.brokers:
            broker.stop(max(0.0, end - time.monotonic()))


def _failure(broker: Broker, what: str) -> BrokerFailed:
    return BrokerFailed(f"Broker {broker.name} {what}.", hint=f"Its log is {broker.log}.", log=broker.tail())
