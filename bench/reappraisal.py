"""Every property of a county valued anew by one worker: from the call to the last result, then under kill -9."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.report import Cell, Report
from bench.system import HOST, await_ready, served
from bench.watched import Watched
from deploy.local.ports import free_ports

_FILE: Final = Path("../shared/data/kc_house_data.csv")
_MAPPING: Final = Path("deploy/examples/king.toml")
_LIMIT_S: Final = 100
_KILLED: Final = "gateway and worker killed"


def _command(environment: Mapping[str, str], *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from deploy.cli import main; main()", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stdout[-2000:] + done.stderr[-2000:]


def _ask(port: int, method: str, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"http://{HOST}:{port}/api/v1/valuation{path}", data, {"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
        return json.load(answer)


def _followed(port: int, batch_id: str) -> dict[str, Any] | None:
    try:
        batch: dict[str, Any] = _ask(port, "GET", f"/batches/{batch_id}")
    except OSError:
        return None
    return batch


def _reappraised(what: str, port: int, disturb: Callable[[], None] | None) -> Mapping[str, Cell]:
    started = time.perf_counter()
    batch = _ask(port, "POST", "/reappraisals", {"county_id": "KING"})
    shown, disturbed = 0, False
    first_s = published_s = 0.0
    while batch["state"] != "COMPLETED" and time.perf_counter() - started < _LIMIT_S:
        time.sleep(0.2)
        batch = _followed(port, batch["batch_id"]) or batch
        shown += 1
        first_s = first_s or (time.perf_counter() - started if batch["completed"] else 0.0)
        published_s = published_s or (time.perf_counter() - started if batch["published"] == batch["total"] else 0.0)
        if disturb is not None and not disturbed and batch["completed"] > batch["total"] // 4:
            disturb()
            disturbed = True
    return {
        "what": what,
        "seconds": time.perf_counter() - started,
        "first result s": first_s,
        "published s": published_s,
        "properties": batch["total"],
        "published": batch["published"],
        "completed": batch["completed"],
        "failed": batch["failed"],
        "looks on the way": shown,
    }


def main(arguments: Sequence[str]) -> None:
    """Start Kafka, a gateway and a worker, import the county, and show the table."""
    parser = argparse.ArgumentParser(prog="python -m bench reappraisal", description=__doc__)
    parser.add_argument("--models", type=Path, help="model store that holds a model of KING; trained where absent")
    parser.add_argument(
        "--constant", action="store_true", help="one fixed value for all: what is left is not the model"
    )
    options = parser.parse_args(arguments)
    report = Report("reappraisal", {"county": "KING", "engine": "constant" if options.constant else "county"})
    with tempfile.TemporaryDirectory(prefix="bench-reappraisal-") as data:
        models, worker_port = Path(data) / "models", free_ports(1)[0]
        if options.models is not None:
            shutil.copytree(options.models / "KING", models / "KING")
        more = {"DATA_DIR": data, "PROCESSOR_PORT": str(worker_port)}
        if options.constant:
            more["PROCESSOR_ENGINE"] = "constant"
        with served(more=more) as (gateway, port):
            environment = gateway.environment
            _command(environment, "import", "properties", str(_FILE), "--mapping", str(_MAPPING))
            if not options.constant:
                _model(environment, models if options.models else None)
            with Watched(["-m", "processor"], environment) as worker:
                await_ready(worker_port, worker)
                sys.stderr.write("the worker is ready\n")
                time.sleep(5)
                for what, disturb in (
                    ("undisturbed", None),
                    (_KILLED, lambda: _kill(gateway, worker)),
                    ("again", None),
                ):
                    report.rows.append(_reappraised(what, port, disturb))
                    sys.stderr.write(f"{report.rows[-1]}\n")  # a run that is cut short has said what it knows
    report.show()


def _model(environment: Mapping[str, str], models: Path | None) -> None:
    """Let a model serve: the newest of a store, or a new one."""
    _command(environment, "import", "sales", str(_FILE), "--mapping", str(_MAPPING))
    if models is None:
        _command(environment, "train", "--county", "KING", "--force")
        return
    version = max((models / "KING").glob("king-*"), key=lambda path: path.stat().st_mtime).name
    _command(environment, "models", "promote", version, "--county", "KING", "--force")


def _kill(*processes: Watched) -> None:
    for process in processes:
        process.kill_and_start()
