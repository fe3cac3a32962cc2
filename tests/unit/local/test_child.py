import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from deploy.local.child import LOG_BYTES, LOG_FILES, Child, Command
from tests.waiting import gone, until

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")


def python(code: str, log: Path) -> Command:
    return Command((sys.executable, "-u", "-c", code), log)


def test_output_goes_to_the_log_and_to_whoever_listens(tmp_path: Path) -> None:
    heard: list[str] = []
    child = Child(
        python("import sys; print('one'); sys.stderr.write('two ü\\n')", tmp_path / "l" / "c.log"), heard.append
    )
    assert child.wait(10)
    assert child.tail() == ["one", "two ü"]
    assert heard == ["one", "two ü"]
    until(lambda: (tmp_path / "l" / "c.log").read_text(encoding="utf-8") == "one\ntwo ü\n")


def test_the_exit_code_is_told(tmp_path: Path) -> None:
    child = Child(python("import sys; sys.exit(70)", tmp_path / "c.log"))
    assert child.wait(10)
    assert child.exit_code == 70


def test_logs_are_bounded(tmp_path: Path) -> None:
    lines = (LOG_FILES + 3) * LOG_BYTES // 100_000
    child = Child(python(f"for i in range({lines}): print('x' * 99_999)", tmp_path / "c.log"))
    assert child.wait(60)
    child.tail()
    until(lambda: sum(path.stat().st_size for path in tmp_path.iterdir()) > LOG_FILES * LOG_BYTES / 2)
    assert len(list(tmp_path.iterdir())) <= LOG_FILES + 1
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= (LOG_FILES + 1) * LOG_BYTES


def test_a_child_that_ignores_the_request_to_stop_is_killed_in_time(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(60)"
    child = Child(python(code, tmp_path / "c.log"))
    until(child.tail)
    began = time.monotonic()
    child.stop(0.3)
    assert child.exit_code == -signal.SIGKILL
    assert 0.3 <= time.monotonic() - began < 5


def test_a_lock_that_an_interrupted_look_left_behind_hangs_nobody(tmp_path: Path) -> None:
    child = Child(python("import time; print('up'); time.sleep(60)", tmp_path / "c.log"))
    until(child.tail)
    child._process._waitpid_lock.acquire()  # type: ignore[attr-defined]
    began = time.monotonic()
    child.stop(0.3)
    assert child.exit_code == -signal.SIGTERM
    assert time.monotonic() - began < 5


def test_a_paused_child_sees_the_request_to_stop(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); print('up'); time.sleep(60)"
    )
    child = Child(python(code, tmp_path / "c.log"))
    until(child.tail)
    child.signal(signal.SIGSTOP)
    child.stop(10)
    assert child.exit_code == 7


def test_killing_takes_the_grandchildren_along(tmp_path: Path) -> None:
    code = "import subprocess, time; print(subprocess.Popen(['sleep', '60']).pid); time.sleep(60)"
    child = Child(python(code, tmp_path / "c.log"))
    until(child.tail)
    grandchild = int(child.tail()[0])
    child.kill()
    until(lambda: gone(grandchild))


@linux_only
def test_a_child_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from deploy.local.child import Child, Command\n"
        f"log = Path({str(tmp_path / 'c.log')!r})\n"
        "c = Child(Command((sys.executable, '-c', 'import time; time.sleep(60)'), log))\n"
        "print(c.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        until(lambda: "leash" not in " ".join(psutil.Process(pid).cmdline()))
        parent.kill()
    until(lambda: gone(pid))


@linux_only
def test_a_parent_that_is_gone_already_starts_nothing(tmp_path: Path) -> None:
    leash = Path(__file__).parents[3] / "deploy" / "local" / "leash.py"
    marker = tmp_path / "ran"
    subprocess.run([sys.executable, "-I", "-S", leash, str(os.getpid() + 1), "touch", marker], check=True)
    assert not marker.exists()
