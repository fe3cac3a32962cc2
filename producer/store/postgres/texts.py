"""Texts as PostgreSQL takes them: it has no character zero, which JSON has."""


def storable(text: str | None) -> str | None:
    """Return a text with U+FFFD for character zero."""
    return text if text is None or "\0" not in text else text.replace("\0", "\ufffd")
