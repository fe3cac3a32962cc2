from pathlib import Path

import pytest

from deploy.local.archive import Archive, archive
from deploy.local.java import Java


@pytest.fixture
def place(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "cds")


def test_there_is_none_at_first(place: Archive) -> None:
    assert place.options() == []


def test_what_a_run_recorded_is_used_by_the_next(place: Archive) -> None:
    options, fresh = place.recording()
    assert options[0] == f"-XX:ArchiveClassesAtExit={fresh}"
    fresh.write_bytes(b"classes")
    place.keep(fresh)
    [used, _] = place.options()
    assert Path(used.removeprefix("-XX:SharedArchiveFile=")).read_bytes() == b"classes"
    assert not fresh.exists()


def test_a_run_that_recorded_nothing_leaves_nothing(place: Archive) -> None:
    _, fresh = place.recording()
    place.keep(fresh)
    fresh.touch()
    place.keep(fresh)
    assert place.options() == []


def test_an_altered_archive_is_thrown_away(place: Archive) -> None:
    _, fresh = place.recording()
    fresh.write_bytes(b"classes")
    place.keep(fresh)
    [kept] = place.directory.glob("*.jsa")
    kept.write_bytes(b"classez")
    assert place.options() == []
    assert not kept.exists()


def test_several_recording_at_once_do_not_meet(place: Archive) -> None:
    first, second = place.recording()[1], place.recording()[1]
    assert first != second
    for fresh in (first, second):
        fresh.write_bytes(fresh.name.encode())
        place.keep(fresh)
    assert place.options()


def test_another_java_or_other_jars_have_an_archive_of_their_own() -> None:
    java = Java(Path("/java"), 17, "17.0.1", "PATH")
    newer = Java(Path("/java"), 17, "17.0.2", "PATH")
    places = {archive(java, "a").directory, archive(java, "b").directory, archive(newer, "a").directory}
    assert len(places) == 3
