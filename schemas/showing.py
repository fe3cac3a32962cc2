"""Shows how a process is configured, for people to look at and to pass on: whatever is secret is not in it."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from pydantic import SecretStr
from pydantic_settings import BaseSettings

MASK: Final = "********"
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/\s]*@")
_SECRET_PARAMETER: Final = re.compile(r"(?i)([?&][^=&\s]*(?:password|passfile|secret|token|key)[^=&\s]*=)[^&\s]*")


def configuration(readers: Iterable[BaseSettings]) -> Iterator[str]:
    """Yield ``NAME=value`` for every variable that these settings read, in effect now; secrets are masked."""
    seen: set[str] = set()
    for reader in readers:
        prefix = reader.model_config.get("env_prefix", "")
        for name in type(reader).model_fields:
            variable = f"{prefix}{name}".upper()
            if variable not in seen:
                seen.add(variable)
                yield f"{variable}={_shown(getattr(reader, name))}"


def masked(text: str) -> str:
    """Return a text without the user names, passwords and keys that URLs in it carry."""
    return _SECRET_PARAMETER.sub(rf"\1{MASK}", _CREDENTIALS.sub(f"{MASK}@", text))


def _shown(value: object) -> str:
    if value is None:
        return ""
    return MASK if isinstance(value, SecretStr) else masked(str(value))
