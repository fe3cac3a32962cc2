import io
import json

import pytest
from rich.console import Console

from deploy.local.view import ConsoleView, JsonView


def test_a_step_says_that_it_began_and_how_long_it_took() -> None:
    out = io.StringIO()
    with ConsoleView(Console(file=out, width=200)).step("Fetching [all]") as advance:
        assert out.getvalue() == "Fetching [all] ...\n"
        advance(1, 2)
    assert out.getvalue().splitlines()[1].startswith("done Fetching [all] (0.")


def test_a_step_that_fails_is_not_called_done() -> None:
    out = io.StringIO()
    with pytest.raises(OSError, match="no"), ConsoleView(Console(file=out)).step("Fetching"):
        raise OSError("no")
    assert "done" not in out.getvalue()


def test_markup_in_log_lines_is_text() -> None:
    out = io.StringIO()
    view = ConsoleView(Console(file=out, width=40))
    view.warn("worker-0: [red]x[/] " + "y" * 60)
    assert out.getvalue() == "worker-0: [red]x[/] " + "y" * 60 + "\n"


def test_programs_get_one_object_a_line() -> None:
    lines: list[str] = []
    view = JsonView(lines.append)
    with view.step("S"):
        view.say("hello", pid=3)
    view.warn("oh")
    kinds = [(each["kind"], each["text"]) for each in map(json.loads, lines)]
    assert kinds == [("step", "S"), ("info", "hello"), ("done", "S"), ("warning", "oh")]
    assert json.loads(lines[1])["pid"] == 3
