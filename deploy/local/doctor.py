"""`doctor`: look at everything the system needs on this machine and say what to do about what is wrong."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from deploy.errors import DeployError
from deploy.local.applying import bring_topics_up
from deploy.local.background import kafka_status
from deploy.local.cache import cache_directory
from deploy.local.datadir import NEEDED_BYTES
from deploy.local.jars import missing, read_lock
from deploy.local.java import find_java
from deploy.local.ports import is_free, owner
from deploy.local.processes import stack_runs
from deploy.local.service import answers
from deploy.local.settings import LocalSettings
from deploy.local.topics import Outcome
from schemas.settings import KafkaSettings, StackRecord

_PYTHON: Final = (3, 11)


class Verdict(StrEnum):
    """How a check ended."""

    GOOD = "good"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, and what to do about it."""

    subject: str
    verdict: Verdict
    text: str
    remedy: str = ""


def examine(settings: LocalSettings, kafka: KafkaSettings) -> list[Finding]:
    """Make every check; one that fails does not keep the others from being made."""
    record = StackRecord.read(settings.data_dir) if stack_runs(settings.data_dir) else None
    findings = [_python(), _java(), _jars(), _disk("data", settings.data_dir), _disk("cache", cache_directory())]
    findings += _running(record) if record else _ports(settings)
    findings.append(_kafka(settings, kafka))
    if findings[-1].verdict is Verdict.GOOD:
        findings.append(_guarded("topics", lambda: _topics(settings, kafka)))
    return findings


def _guarded(subject: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except DeployError as error:
        return Finding(subject, Verdict.WRONG, error.message, error.hint)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _PYTHON:
        return Finding("python", Verdict.WRONG, f"version {version}", "Python 3.11 or later is needed.")
    return Finding("python", Verdict.GOOD, f"version {version}, {sys.executable}")


def _java() -> Finding:
    def check() -> Finding:
        java = find_java()
        return Finding("java", Verdict.GOOD, f"version {java.major} from {java.origin}, {java.path}")

    return _guarded("java", check)


def _jars() -> Finding:
    jars = read_lock()
    absent = missing(jars)
    if absent:
        text = f"{len(absent)} of {len(jars)} are not in {cache_directory()}"
        return Finding("jars", Verdict.NOTE, text, "They are fetched at the first start; that needs the network.")
    return Finding("jars", Verdict.GOOD, f"{len(jars)} verified in {cache_directory()}")


def _disk(subject: str, path: Path) -> Finding:
    existing = next(parent for parent in (path.resolve(), *path.resolve().parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    text = f"{free >> 20} MiB are free where {path.resolve()} lies"
    if free < NEEDED_BYTES:
        return Finding(f"disk ({subject})", Verdict.WRONG, text, f"{NEEDED_BYTES >> 20} MiB are needed: make room.")
    return Finding(f"disk ({subject})", Verdict.GOOD, text)


def _ports(settings: LocalSettings) -> Iterator[Finding]:
    yield Finding("stack", Verdict.NOTE, f"none runs on {settings.data_dir.resolve()}", "Start it with: make run")
    yield _port("GATEWAY_PORT", settings.gateway_port, settings.gateway_host)
    for worker in range(settings.workers):
        yield _port("PROCESSOR_PORT", settings.processor_port + worker, settings.processor_host)


def _port(variable: str, port: int, host: str) -> Finding:
    if is_free(port, host):
        return Finding(f"port {port}", Verdict.GOOD, "free")
    return Finding(f"port {port}", Verdict.WRONG, f"taken by {owner(port)}", f"End it, or set {variable} to another.")


def _running(record: StackRecord) -> Iterator[Finding]:
    yield Finding("stack", Verdict.GOOD, f"runs, process {record.supervisor_pid}")
    for name, url in [("gateway", record.gateway_url), *(("worker", url) for url in record.processor_urls)]:
        if answers(f"{url}/readyz"):
            yield Finding(name, Verdict.GOOD, f"ready at {url}")
        else:
            yield Finding(name, Verdict.WRONG, f"not ready at {url}", "Look at its log in DATA_DIR/logs.")


def _kafka(settings: LocalSettings, kafka: KafkaSettings) -> Finding:
    if kafka.bootstrap_servers is not None:
        return Finding("kafka", Verdict.GOOD, f"{kafka.bootstrap_servers} (KAFKA_BOOTSTRAP_SERVERS)")
    status = kafka_status(settings)
    if not status.running:
        return Finding("kafka", Verdict.NOTE, status.in_words(), "Start it with: make run, or terrafusion kafka start")
    if status.serving < status.brokers:
        return Finding("kafka", Verdict.WRONG, status.in_words(), "Look at kafka-N.log in DATA_DIR/logs.")
    return Finding("kafka", Verdict.GOOD, status.in_words())


def _topics(settings: LocalSettings, kafka: KafkaSettings) -> Finding:
    reports = bring_topics_up(settings, kafka, alter=False)
    wrong = [
        f"{report.topic} {_state(report.outcome)}" for report in reports if report.outcome is not Outcome.UNCHANGED
    ]
    if wrong:
        return Finding("topics", Verdict.WRONG, "; ".join(wrong), "See: terrafusion topics apply --dry-run")
    return Finding("topics", Verdict.GOOD, f"{len(reports)} as they should be")


def _state(outcome: Outcome) -> str:
    states = {Outcome.CREATED: "is missing", Outcome.ALTERED: "has other settings"}
    return states.get(outcome, "has another partition count")
