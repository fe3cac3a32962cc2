"""A history survives being written and read."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.chaos.clean_run import clean_run
from tests.chaos.history import Changed, Ended, Fault, decode, encode, read, write


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    history = [
        *clean_run(),
        Fault("worker-kill", "worker-1", 5, 9, 12),
        Fault("a", "b", 1, 2),
        Changed("P", 1, 2),
        Ended("worker-1", -9, 6),
    ]
    write(tmp_path / "deep" / "history.jsonl.gz", history)
    assert list(read(tmp_path / "deep" / "history.jsonl.gz")) == history


def test_an_operation_is_one_line_of_json() -> None:
    assert encode(Ended("worker-1", -9, 6)) == b'{"op":"Ended","process":"worker-1","exit_code":-9,"at_ms":6}'


def test_a_damaged_line_is_refused_rather_than_judged() -> None:
    with pytest.raises(ValidationError):
        decode(b'{"op":"Ended","process":"worker-1"}')
