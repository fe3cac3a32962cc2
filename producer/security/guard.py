"""Lets requests in: who presents a live key, with the scope that the operation needs, within the key's rate."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from aiohttp import web

from producer.errors import Forbidden, TooManyRequests, Unauthenticated
from producer.security.credentials import presented
from producer.security.keyring import KeyRing
from producer.security.keys import KeyEntry, id_in
from producer.security.rates import Allowance, Rates
from producer.security.scopes import Scope, allows
from schemas.logs import get_logger

_log = get_logger(__name__)
_REALM: Final = 'Bearer realm="terrafusion"'


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request: the client that a key belongs to, which key it is, and what it has left."""

    client: str
    key_id: str
    allowance: Allowance | None
    scopes: frozenset[Scope] = frozenset()


CALLER: Final = web.RequestKey("caller", Caller)
"""Where a request that was let in carries its caller."""


class Guard:
    """Decides on every request of an operation that is not open to all; without keys everybody may do everything."""

    def __init__(self, ring: KeyRing | None = None, rates: Rates | None = None) -> None:
        self._ring = ring
        self._rates = rates or Rates()

    @classmethod
    def of(cls, keys_file: Path | None) -> Self:
        """Return the guard of a keys file, or without one the guard that lets everybody in.

        Raises:
            KeysFileError: the file cannot be used.
        """
        return cls(None if keys_file is None else KeyRing(keys_file))

    @property
    def on(self) -> bool:
        """Whether keys are asked for."""
        return self._ring is not None

    def identify(self, token: str) -> KeyEntry | None:
        """Return the live key that a token is, None where it is none or no keys are asked for."""
        return None if self._ring is None else self._ring.authenticate(token)

    def admit(self, request: web.Request, needed: Scope) -> None:
        """Let a request in, and note its caller on it.

        Raises:
            Unauthenticated: it presents no key, or none that is live.
            Forbidden: the key does not hold the scope.
            TooManyRequests: the key has used up its rate.
        """
        if self._ring is None:
            return
        key = self._key(self._ring, request)
        if not allows(key.scopes, needed):
            _log.warning("an API key lacks a scope", key=key.id, client=key.client, scope=needed.value)
            raise Forbidden(
                f"The key {key.id} does not hold the scope {needed}.",
                headers={"WWW-Authenticate": f'{_REALM}, error="insufficient_scope", scope="{needed}"'},
            )
        request[CALLER] = Caller(key.client, key.id, self._allowance(key), frozenset(key.scopes))

    def may(self, request: web.Request, needed: Scope) -> bool:
        """Return whether who made a request that was let in holds a scope."""
        caller = request.get(CALLER)
        return self._ring is None or (caller is not None and allows(caller.scopes, needed))

    def stays(self, request: web.Request) -> bool:
        """Return whether a request that was let in may go on: its key has been neither revoked nor outlived."""
        caller = request.get(CALLER)
        return caller is None or self._ring is None or self._ring.still_live(caller.key_id)

    def _key(self, ring: KeyRing, request: web.Request) -> KeyEntry:
        token = presented(request)
        if not token:
            raise Unauthenticated("This needs an API key.", headers={"WWW-Authenticate": _REALM})
        key = ring.authenticate(token)
        if key is None:
            _log.warning("an API key was refused", key=id_in(token), caller=request.remote)
            raise Unauthenticated(
                "The API key is unknown, expired or revoked.",
                headers={"WWW-Authenticate": f'{_REALM}, error="invalid_token"'},
            )
        return key

    def _allowance(self, key: KeyEntry) -> Allowance | None:
        if key.rate_per_minute is None:
            return None
        allowance = self._rates.take(key.id, key.rate_per_minute)
        if allowance.retry_after:
            raise TooManyRequests(
                f"The key {key.id} may make {allowance.quota} requests a minute.",
                headers=allowance.fields() | {"Retry-After": str(allowance.retry_after)},
            )
        return allowance


def owner(request: web.Request) -> str:
    """Return whose idempotency keys a request's are: its client's, nobody's where no keys are asked for."""
    caller = request.get(CALLER)
    return "" if caller is None else caller.client
