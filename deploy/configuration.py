"""The table of environment variables in the README, made from the settings classes themselves.

``python -m deploy.configuration`` writes it between its two markers; ``--check`` proves that it is current.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from deploy.local.settings import LocalSettings
from processor.settings import ProcessorSettings
from producer.settings import GatewaySettings
from schemas.settings import KafkaSettings

README: Final = Path(__file__).parent.parent / "README.md"
_BEGIN: Final = "<!-- configuration: made by python -m deploy.configuration -->"
_END: Final = "<!-- end of configuration -->"
_READERS: Final[tuple[type[BaseSettings], ...]] = (KafkaSettings, LocalSettings, GatewaySettings, ProcessorSettings)


def variables() -> dict[str, FieldInfo]:
    """Return every environment variable that some process reads, and the field it fills."""
    found: dict[str, FieldInfo] = {}
    for reader in _READERS:
        prefix = reader.model_config.get("env_prefix", "")
        for name, field in reader.model_fields.items():
            found.setdefault(f"{prefix}{name}".upper(), field)
    return found


def table() -> str:
    """Return the Markdown table of all variables."""
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *_rows()])


def _rows() -> Iterator[str]:
    for name, field in variables().items():
        yield f"| `{name}` | {_default(field.default)} | {field.description or ''} |"


def _default(value: object) -> str:
    return "" if value is None or value == "" or value is PydanticUndefined else f"`{value}`"


def renewed(text: str) -> str:
    """Return the README's text with the table as it should be.

    Raises:
        ValueError: the markers are missing.
    """
    before, rest = text.split(_BEGIN, 1)
    _, after = rest.split(_END, 1)
    return f"{before}{_BEGIN}\n{table()}\n{_END}{after}"


def main(arguments: list[str]) -> int:
    """Write the table, or with ``--check`` say whether it is current; returns the exit status."""
    text = README.read_text(encoding="utf-8")
    current = renewed(text)
    if "--check" not in arguments:
        README.write_text(current, encoding="utf-8")
        return 0
    if text != current:
        sys.stderr.write("README.md: the configuration table is stale; run python -m deploy.configuration\n")
    return int(text != current)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
