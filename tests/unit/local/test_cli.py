import subprocess
import sys

from typer.testing import CliRunner

from deploy.cli import build, run
from deploy.errors import BrokerFailed

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


def test_every_command_says_what_it_does_and_speaks_json() -> None:
    runner = CliRunner()
    for command in (
        ["up"],
        ["doctor"],
        ["kafka", "start"],
        ["kafka", "stop"],
        ["kafka", "status"],
        ["topics", "apply"],
    ):
        answer = runner.invoke(build(), [*command, "--help"])
        assert answer.exit_code == 0
        assert "--json" in answer.output


def test_an_error_of_ours_is_its_message_alone() -> None:
    def fails() -> None:
        raise BrokerFailed("It ended.", hint="Look here.", log=["first", "last"])

    code = "from tests.unit.local.test_cli import fails_loudly; fails_loudly()"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.stderr == "It ended.\nLook here.\n  | first\n  | last\n"
    assert answer.returncode == 1
    assert run(fails) == 1


def fails_loudly() -> None:
    def fails() -> None:
        raise BrokerFailed("It ended.", hint="Look here.", log=["first", "last"])

    sys.exit(run(fails))
