import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.local.stopping import FORCED_EXIT, StopRequested, StopSignals
from tests.waiting import until

SCRIPT = """
import signal, sys, time
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
from deploy.local.stopping import StopRequested, StopSignals
def work(seconds):  # in small steps: a signal just before a long sleep would be heard after it
    for _ in range(int(seconds / 0.02)): time.sleep(0.02)
with StopSignals(lambda: print("killed", flush=True), limit={limit}):
    try:
        print("up", flush=True)
        work(60)
    except StopRequested:
        print("stopping", flush=True)
        work({stop_takes})
print("stopped", flush=True)
"""


def run(*signals: signal.Signals, stop_takes: float, limit: float = 60) -> tuple[list[str], int]:
    code = SCRIPT.format(stop_takes=stop_takes, limit=limit)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline().strip()]
        for number in signals:
            process.send_signal(number)
            said.append(process.stdout.readline().strip())
        said += process.stdout.read().split()
        return said, process.wait(20)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_asks_to_stop_in_order(number: signal.Signals) -> None:
    assert run(number, stop_takes=0) == (["up", "stopping", "stopped"], 0)


def test_the_second_signal_kills_at_once() -> None:
    began = time.monotonic()
    assert run(signal.SIGINT, signal.SIGINT, stop_takes=50) == (["up", "stopping", "killed"], FORCED_EXIT)
    assert time.monotonic() - began < 20


def test_a_stop_that_takes_too_long_is_cut_short() -> None:
    assert run(signal.SIGTERM, stop_takes=50, limit=0.3) == (["up", "stopping", "killed"], FORCED_EXIT)


def test_a_kill_that_hangs_is_left_behind() -> None:
    code = SCRIPT.format(stop_takes=50, limit=0.3).replace('print("killed", flush=True)', "time.sleep(60)")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == FORCED_EXIT


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with StopSignals(lambda: None):
        assert signal.getsignal(signal.SIGTERM) != before
        with pytest.raises(StopRequested):
            os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignals(lambda: None):
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_a_killed_make_stops_it_in_order(tmp_path: Path) -> None:
    said = tmp_path / "said"
    tie = "from deploy.local.stopping import stop_with_make; stop_with_make()\n"
    own = tie + SCRIPT.format(stop_takes=0, limit=60)
    make = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {own!r}], stdout=open({str(said)!r}, 'w'))"
    with subprocess.Popen([sys.executable, "-c", make], env=os.environ | {"MAKELEVEL": "1"}) as process:
        until(lambda: said.exists() and "up" in said.read_text())
        process.kill()
    until(lambda: said.read_text().split() == ["up", "stopping", "stopped"])
