"""The commands that run the system on one machine: `up`, `kafka start|stop|status`, `topics apply`, `doctor`."""

import json
import sys
from typing import Annotated

import typer
from rich.console import Console

from deploy.local.banner import show_banner
from deploy.local.settings import LocalSettings
from deploy.local.view import ConsoleView, JsonView, View
from schemas.settings import KafkaSettings, StackRecord

AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]
Brokers = Annotated[int, typer.Option(help="Brokers of the local Kafka: 1 or 3.")]

kafka = typer.Typer(help="The local Apache Kafka.", no_args_is_help=True)
topics = typer.Typer(help="The topics of the system.", no_args_is_help=True)


def up(*, brokers: Brokers = 1, as_json: AsJson = False) -> None:
    """Run Kafka, workers and gateway in the foreground until Ctrl-C, setting up whatever is missing."""
    from deploy.local.filling import fill  # noqa: PLC0415 - start-up time
    from deploy.local.processes import Programs  # noqa: PLC0415 - start-up time
    from deploy.local.stack import Stack  # noqa: PLC0415 - start-up time
    from deploy.local.stopping import stop_with_make  # noqa: PLC0415 - start-up time

    stop_with_make()
    settings = LocalSettings()
    stack = Stack(settings, KafkaSettings(), _view(as_json=as_json), brokers=brokers)
    stack.run(Programs(), fill, lambda record: _show(record, settings, as_json=as_json))


@kafka.command("start")
def kafka_start(
    *,
    brokers: Brokers = 1,
    foreground: Annotated[bool, typer.Option("--foreground", help="Stay until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start the local Kafka in the background and return when it serves; its data is kept in DATA_DIR."""
    from deploy.local import background  # noqa: PLC0415 - start-up time
    from deploy.local.stack import Stack  # noqa: PLC0415 - start-up time

    settings, view = LocalSettings(), _view(as_json=as_json)
    if foreground:
        stack = Stack(settings, KafkaSettings(bootstrap_servers=None), view, brokers=brokers)
        stack.run_kafka(lambda record: _show(record, settings, as_json=as_json))
    else:
        record = background.start_kafka(settings, view, brokers)
        _answer(record.model_dump(), f"Kafka listens on {record.bootstrap_servers}.", as_json=as_json)


@kafka.command("stop")
def kafka_stop(*, as_json: AsJson = False) -> None:
    """Stop the local Kafka that `kafka start` started."""
    from deploy.local import background  # noqa: PLC0415 - start-up time

    stopped = background.stop_kafka(LocalSettings())
    _answer({"stopped": stopped}, "Kafka is stopped." if stopped else "No local Kafka runs.", as_json=as_json)


@kafka.command("status")
def kafka_status(*, as_json: AsJson = False) -> None:
    """Say whether the local Kafka runs and where; exit code 3 when it does not."""
    from deploy.local import background  # noqa: PLC0415 - start-up time

    status = background.kafka_status(LocalSettings())
    _answer(status.as_dict(), status.in_words(), as_json=as_json)
    if not status.serving:
        raise typer.Exit(3)


@topics.command("apply")
def topics_apply(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Create missing topics and alter settings that differ; exit code 1 when a partition count differs."""
    from deploy.local.applying import apply  # noqa: PLC0415 - start-up time

    apply(LocalSettings(), KafkaSettings(), Console(), alter=not dry_run, as_json=as_json)


@topics.command("acls")
def topics_acls(
    *,
    role: Annotated[
        list[str] | None, typer.Option("--role", help="ROLE=PRINCIPAL, repeatable, such as worker=User:worker-1.")
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", help="The workers' group; PROCESSOR_GROUP when absent.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the least that each role needs on a Kafka with an authorizer, as `kafka-acls.sh` takes it."""
    from deploy.access import rules_for  # noqa: PLC0415 - start-up time

    rules = rules_for(LocalSettings().topic_prefix, group, role or [])
    if as_json:
        _write_line(json.dumps({"acls": [rule.as_dict() for rule in rules]}))
    else:
        _write_line("\n".join(rule.as_command() for rule in rules))


def doctor(*, as_json: AsJson = False) -> None:
    """Check everything the system needs on this machine and say what to do; exit code 1 when something is wrong."""
    from deploy.local.doctor import examine  # noqa: PLC0415 - start-up time
    from deploy.local.findings import show_findings  # noqa: PLC0415 - start-up time

    healthy = show_findings(examine(LocalSettings(), KafkaSettings()), Console(), as_json=as_json)
    raise typer.Exit(0 if healthy else 1)


def _view(*, as_json: bool) -> View:
    return JsonView(_write_line) if as_json else ConsoleView(Console())


def _show(record: StackRecord, settings: LocalSettings, *, as_json: bool) -> None:
    if as_json:
        _write_line(json.dumps({"kind": "ready", **record.model_dump()}))
    else:
        show_banner(Console(), record, settings.logs_directory)


def _answer(facts: object, words: str, *, as_json: bool) -> None:
    _write_line(json.dumps(facts) if as_json else words)


def _write_line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
