"""Reads pages as people do: text, tables, figures; any markup error is an error."""

import re
from html.parser import HTMLParser
from typing import Final

VOID: Final = frozenset({"meta", "link", "input", "img", "br"})
_DOLLARS: Final = re.compile(r"([+\N{MINUS SIGN}]?)\$([\d,]+\.\d\d)")


class Page(HTMLParser):
    """A page's elements: each with its tag, attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self._open: list[tuple[str, list[str]]] = []
        self.feed(html)
        self.close()
        if self._open:
            raise AssertionError(f"never closed: {[tag for tag, _ in self._open]}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        text: list[str] = []
        self.elements.append((tag, {name: value or "" for name, value in attrs}, text))
        if tag not in VOID:
            self._open.append((tag, text))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}, []))

    def handle_endtag(self, tag: str) -> None:
        opened, _ = self._open.pop()
        if opened != tag:
            raise AssertionError(f"</{tag}> closes <{opened}>")

    def handle_data(self, data: str) -> None:
        for _, text in self._open:
            text.append(data)

    def texts(self, tag: str, **wanted: str) -> list[str]:
        """Return the texts of the elements of a tag with these attributes (``_`` for ``-``)."""
        asked = {name.replace("_", "-").strip("-"): value for name, value in wanted.items()}
        return [
            " ".join(" ".join(text).split())
            for found, attributes, text in self.elements
            if found == tag and all(attributes.get(name) == value for name, value in asked.items())
        ]

    def attributes(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of every element of a tag."""
        return [attributes for found, attributes, _ in self.elements if found == tag]


def cents(text: str) -> int:
    """Return the last amount in a text, in cents."""
    sign, digits = _DOLLARS.findall(text)[-1]
    return (-1 if sign == "\N{MINUS SIGN}" else 1) * int(digits.replace(",", "").replace(".", ""))
