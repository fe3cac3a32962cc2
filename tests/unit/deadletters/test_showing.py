"""Dead letters as people and programs see them: grouped, whole, and harmless to a terminal."""

from base64 import b64decode

from hypothesis import given
from hypothesis import strategies as st

from producer.commands.letters import _cell
from producer.deadletters.grouping import MAX_GROUPS, Summary
from producer.deadletters.letter import DeadLetter, Position
from producer.deadletters.reading import Mark
from producer.deadletters.showing import PREVIEW, brief, whole
from schemas.printable import is_printable


def letter(offset: int, message: str = "county_id is missing", value: bytes | None = b"{}") -> DeadLetter:
    headers = (
        ("error.reason", b"invalid_request"),
        ("error.message", message.encode()),
        ("error.partition", b"4"),
        ("error.attempts", "\uff19".encode()),
        ("mine", b"\xff"),
        ("none", None),
    )
    return DeadLetter("t", Position(offset % 3, offset), 1_000 * offset, b"\x00", value, headers)


def test_letters_are_grouped_by_what_was_wrong_with_them() -> None:
    summary = Summary()
    known = {letter(2).mark: Mark("j", "now")}
    for each in [*(letter(number) for number in range(5)), *(letter(9, f"line 1 column {n}") for n in range(3))]:
        summary.add(each, known)
    first, second = summary.groups()
    assert (summary.total, summary.replayed) == (8, 1)
    assert (first["message"], first["count"], first["replayed"], first["partitions"]) == (
        "county_id is missing",
        5,
        1,
        [0, 1, 2],
    )
    assert (first["first_at"], first["last_at"]) == ("1970-01-01T00:00:00.000Z", "1970-01-01T00:00:04.000Z")
    assert (second["message"], second["count"]) == ("line # column #", 3)


def test_a_million_different_messages_are_a_bounded_number_of_groups() -> None:
    summary = Summary()
    for number in range(MAX_GROUPS + 500):
        summary.add(letter(1, "x" * number), {})
    assert len(summary.groups()) == MAX_GROUPS + 1
    assert sum(group["count"] for group in summary.groups()) == MAX_GROUPS + 500


@given(st.none() | st.binary(max_size=50))
def test_the_original_bytes_are_shown_whole(value: bytes | None) -> None:
    said = whole(letter(1, value=value), {})
    assert (None if said["value_base64"] is None else b64decode(said["value_base64"])) == value
    assert said["value"] is None or said["value"].encode() == value
    assert said["headers"][-2:] == [
        {"name": "mine", "value": None, "value_base64": "/w=="},
        {"name": "none", "value": None, "value_base64": None},
    ]
    assert said["attempts"] is None


def test_a_list_shows_the_beginning_of_a_long_value() -> None:
    said = brief(letter(1, value="ä".encode() * 1_000_000), {})
    assert said["preview"] == "ä" * PREVIEW
    assert said["size"] == 2_000_000


@given(st.text() | st.text(alphabet="\\[]/redbold \x1b\r\n"))
def test_a_terminal_obeys_nothing_of_a_strangers_text(text: str) -> None:
    shown = _cell(text)
    assert is_printable(shown.plain)
    assert not shown.spans
    assert not is_printable(text) or shown.plain == text
