"""``python -m tests.contract [OPTION ...]``: schemathesis against a whole running system, as its users would run it.

Starts Kafka, a worker and a gateway with the sample county on free ports, runs ``schemathesis run URL/openapi.json
--checks all`` (what follows the command is handed on, such as ``--max-examples 200 --max-time 270``), and stops
everything again, also when it is itself told to stop. ``schemathesis.toml`` says what is taken into account.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.local.ports import free_ports

_READY_S: Final = 240
_STOP_S: Final = 30
_TERMINATED: Final = 128 + signal.SIGTERM


def main() -> int:
    """Run schemathesis and return its exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    gateway, worker, broker = free_ports(3)
    with tempfile.TemporaryDirectory(prefix="contract-") as data:
        environment = {
            **os.environ,
            "DATA_DIR": data,
            "GATEWAY_PORT": str(gateway),
            "PROCESSOR_PORT": str(worker),
            "LOCAL_KAFKA_PORT": str(broker),
        }
        log = Path(data) / "up.log"
        with log.open("wb") as file:
            system = subprocess.Popen([*_tool("deploy"), "up"], env=environment, stdout=file, stderr=file)
        try:
            _await(system, f"http://127.0.0.1:{gateway}/readyz", log)
            _await(system, f"http://127.0.0.1:{worker}/readyz", log)
            return _schemathesis(f"http://127.0.0.1:{gateway}/openapi.json", environment)
        finally:
            system.terminate()
            system.wait(_STOP_S)


def _schemathesis(url: str, environment: Mapping[str, str]) -> int:
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent)) or "schemathesis"
    command = [program, "run", url, "--checks", "all", "--continue-on-failure", *sys.argv[1:]]
    return subprocess.run(command, env=environment, check=False).returncode


def _tool(module: str) -> list[str]:
    return [sys.executable, "-m", module]


def _await(system: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + _READY_S
    while time.monotonic() < end and system.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - of this machine
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"the system did not get ready:\n{log.read_text(errors='replace')}")


if __name__ == "__main__":
    sys.exit(main())
