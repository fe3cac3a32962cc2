import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from deploy.cli import build, run
from deploy.errors import BrokerFailed
from schemas.errors import SettingsError

HEAVY = ("aiohttp", "aiokafka", "catboost", "faust", "jgo", "numba", "numpy", "pandas", "pyarrow", "scipy")


def test_asking_for_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['terrafusion', '--help']\n"
        "from deploy.cli import build, run\n"
        "try: run(build())\n"
        f"finally: sys.stderr.write(' '.join(name for name in {HEAVY} if name in sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "doctor" in answer.stdout
    assert answer.stderr == ""


def leaves(command: Any, path: str = "terrafusion") -> Iterator[tuple[str, Any]]:
    """Walk over every command that does something."""
    if isinstance(command, TyperGroup):
        for name, each in command.commands.items():
            yield from leaves(each, f"{path} {name}")
    else:
        yield path, command


def test_every_command_says_what_it_does_and_speaks_json() -> None:
    found = dict(leaves(get_command(build())))
    assert {"terrafusion up", "terrafusion kafka status", "terrafusion import sales", "terrafusion train"} <= set(found)
    for path, command in found.items():
        assert command.help, path
        assert any("--json" in option.opts for option in command.params), path


@pytest.mark.parametrize(
    ("variable", "value"), [("GATEWAY_PORT", "eighty"), ("WORKERS", "0"), ("KAFKA_SECURITY_PROTOCOL", "TLS")]
)
def test_a_variable_that_cannot_be_read_is_named(variable: str, value: str) -> None:
    command, environment = [sys.executable, "-m", "deploy", "up"], os.environ | {variable: value}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert answer.stderr.startswith(f"{variable}={value}: Input should be")
    assert "Traceback" not in answer.stderr


def test_an_error_of_ours_is_its_message_alone(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> None:
        raise BrokerFailed("It ended.", hint="Look here.", log=["first", "last"])

    assert run(fails) == 1
    assert capsys.readouterr().err == "It ended.\nLook here.\n  | first\n  | last\n"


def test_settings_that_contradict_each_other_are_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> None:
        raise SettingsError("set both")

    assert run(fails) == 1
    assert capsys.readouterr().err == "set both\n"
