"""What "printable" means for the ids that people choose: one fixed set of characters, the same for every reader.

``str.isprintable`` follows the Unicode tables of the Python that runs it, so that two processes could disagree on an
id; and no schema can state it. This set can be stated: no controls, no invisible or direction-changing format
characters, no spaces other than the plain one, no private use.
"""

import re
from typing import Final

UNPRINTABLE: Final = (
    r"[\u0000-\u001f\u007f-\u00a0\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u1680\u180e\u2000-\u200f"
    r"\u2028-\u202f\u205f-\u206f\u3000\ue000-\uf8ff\ufeff\ufff0-\ufffb\ufffe\uffff"
    "\U000e0000-\U0010ffff]"
)
"""Regular expression (ECMA-262, Python, Rust) of one character that is not; a lone surrogate is no character at all."""

_HIDDEN: Final = re.compile(f"{UNPRINTABLE}|[\ud800-\udfff]")


def is_printable(text: str) -> bool:
    """Return whether every character of ``text`` is printable."""
    return text.isprintable() if text.isascii() else _HIDDEN.search(text) is None


def visible(text: str) -> str:
    """Return a text in which everything that is not printable is written as an escape: it can be shown, not obeyed."""
    if is_printable(text):
        return text
    return "".join(each if is_printable(each) else each.encode("unicode_escape").decode() for each in text)
