"""An API key: the secret that a client presents, and what is written down of it.

A key reads ``tfk_<id>_<secret>``: a prefix that scanners for leaked secrets can look for, an id that may be shown and
logged, and 256 random bits. Written down is one SHA-256 of the whole. Slow hashes protect what people choose; nobody
can try 2^256 keys, however quick the hash, and every request has to be checked.
"""

import hashlib
import hmac
import re
import secrets
from datetime import datetime
from typing import Annotated, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from producer.security.scopes import Scope
from schemas.printable import is_printable

_ID_BYTES: Final = 6
_SECRET_BYTES: Final = 32
_TOKEN: Final = re.compile(r"tfk_([0-9a-f]{12})_[A-Za-z0-9_-]{43}", re.ASCII)
_NOBODYS: Final = "0" * 64
MAX_CLIENT: Final = 64


class KeyEntry(BaseModel):
    """What is written down of one key.

    Keys of one client share its idempotency keys, so that a new one may replace an old one while both are live.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    client: Annotated[str, Field(min_length=1, max_length=MAX_CLIENT)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    scopes: Annotated[frozenset[Scope], Field(min_length=1)]
    rate_per_minute: Annotated[int, Field(ge=1)] | None = None
    created_at: AwareDatetime
    not_after: AwareDatetime | None = None
    revoked_at: AwareDatetime | None = None

    def state(self, now: datetime) -> str:
        """Return ``live``, ``expired`` or ``revoked``."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.not_after is not None and now >= self.not_after else "live"

    def fits(self, token: str) -> bool:
        """Return whether the token is this key, in a time that says nothing of how much of it is right."""
        return hmac.compare_digest(digest(token), self.sha256)


def new_token() -> tuple[str, str]:
    """Return the id and the whole of a key that nobody has had before."""
    key_id = secrets.token_hex(_ID_BYTES)
    return key_id, f"tfk_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"


def id_in(token: str) -> str | None:
    """Return the id that a token names, None where it is no key of ours at all."""
    found = _TOKEN.fullmatch(token)
    return None if found is None else found[1]


def digest(token: str) -> str:
    """Return what is written down of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def compare_with_nobodys(token: str) -> None:
    """Spend the time of a comparison, so that an unknown id takes as long to refuse as a wrong secret."""
    hmac.compare_digest(digest(token), _NOBODYS)


def is_client_name(text: str) -> bool:
    """Return whether a client may be called so."""
    return 0 < len(text) <= MAX_CLIENT and is_printable(text)
