import re
import sys
import unicodedata

import pytest

from schemas.printable import UNPRINTABLE, is_printable


@pytest.mark.parametrize("text", ["", "PROP123", "A/B 4#", "Doña Ana", "İstanbul", "北京-7", "\U00020000", "🏠"])
def test_what_people_write_is_printable(text: str) -> None:
    assert is_printable(text)


@pytest.mark.parametrize(
    "text", ["\n", "a\tb", "\x00", "\x7f", "\x85", "\xa0", "\u200b", "\u202e", "\u2028", "\ufeff", "\ud800", "\ue000"]
)
def test_what_cannot_be_seen_is_not_printable(text: str) -> None:
    assert not is_printable(text)


def test_every_assigned_character_is_judged_as_python_judges_it() -> None:
    hidden = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Zs"}
    for code in range(sys.maxunicode + 1):
        category = unicodedata.category(character := chr(code))
        if category != "Cn":
            visible = category not in hidden or character == " "
            if visible != is_printable(character):
                assert code >= 0x10000, hex(code)  # a few format characters of rare scripts


def test_the_stated_expression_says_the_same() -> None:
    one = re.compile(UNPRINTABLE)
    for code in (*range(0xD800), *range(0xE000, 0x20000), *range(0xDFFFF, 0xE0002), 0x10FFFF):
        assert (one.fullmatch(chr(code)) is None) == is_printable(chr(code)), hex(code)
