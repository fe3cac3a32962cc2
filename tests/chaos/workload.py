"""What is asked of the system in a run: drawn from a seed, each request knowing how it must end."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, repeat
from typing import Final
from uuid import UUID

import orjson

from tests.chaos.history import Asked, End, Via

COUNTY: Final = "BENTON"
_BY_KEY_ALONE: Final = 0.5
"""Share of the requests over HTTP that are known by their idempotency key, and learn their job id from the answer."""
_BURST_SECONDS: Final = 60
_SPELLINGS: Final = ("BENTON", "benton", "benton_wa", "Benton-WA", "Benton County")
_HINTS: Final = (None, None, None, "sales_comparison", "cost")
_POISON: Final = (
    None,
    b"",
    b"{",
    b"\xff\xfe\x00",
    b"[]",
    b"17",
    b'{"job_id":"no-uuid","property_id":"P","county_id":"B"}',
)
_SHARES: Final = {End.SIMULATED: 0.02, End.NOT_FOUND: 0.02, End.INVALID: 0.001, End.POISON: 0.001, End.REFUSED: 0.002}


@dataclass(frozen=True, slots=True)
class Order:
    """One request ready to be sent; ``again`` says to publish it a second time after it was acknowledged."""

    asked: Asked
    value: bytes | None
    again: bool = False

    @property
    def key(self) -> bytes:
        """The key of its record on the requests topic."""
        return self.asked.token.encode()


@dataclass(frozen=True, slots=True)
class Mix:
    """What a workload is made of: completed ones draw from ``properties``, ``http_share`` goes through the gateway."""

    seed: int
    properties: Sequence[str]
    http_share: float
    valuation_date: str = "2026-01-01"
    again_share: float = 0.005
    burst: int = 0
    """How many requests come at once, every minute, beside the others."""


class Workload:
    """Makes orders without end, the same ones for the same mix."""

    def __init__(self, mix: Mix) -> None:
        self._mix = mix
        self._rng = random.Random(mix.seed)  # noqa: S311 - repeatable, not secret
        self._ends = (*_SHARES, End.COMPLETED)
        self._weights = (*_SHARES.values(), 1 - sum(_SHARES.values()))

    def orders(self, start_ms: int, per_second: float) -> Iterator[Order]:
        """Yield orders without end, due at a fixed rate from ``start_ms`` on, with a burst once a minute."""
        yield from map(self.order, _dues(start_ms, per_second, self._mix.burst))

    def order(self, due_ms: int) -> Order:
        """Return the next order."""
        return self._order(due_ms, self._rng.choices(self._ends, self._weights)[0])

    def garbage(self, due_ms: int) -> Order:
        """Return an order that is no valid request."""
        return self._order(due_ms, self._rng.choice((End.POISON, End.INVALID)))

    def probe(self, due_ms: int, property_id: str) -> Order:
        """Return an order through the gateway that must be completed."""
        asked = Asked(
            self._token(), Via.HTTP, End.COMPLETED, property_id, COUNTY, None, self._mix.valuation_date, due_ms
        )
        return Order(asked, self._body(asked))

    def _token(self) -> str:
        return str(UUID(int=self._rng.getrandbits(128), version=4))

    def _order(self, due_ms: int, end: End) -> Order:
        rng, date, token = self._rng, self._mix.valuation_date, self._token()
        if end is End.POISON:
            asked = Asked(f"poison-{token}", Via.KAFKA, end, "", COUNTY, None, date, due_ms)
            return Order(asked, rng.choice(_POISON))
        via = self._via(end)
        asked = Asked(token, via, end, self._property(end), COUNTY, rng.choice(_HINTS), date, due_ms)
        return Order(asked, self._body(asked), again=via is Via.KAFKA and rng.random() < self._mix.again_share)

    def _via(self, end: End) -> Via:
        if end is End.INVALID:  # the gateway would refuse it
            return Via.KAFKA
        return Via.HTTP if end is End.REFUSED or self._rng.random() < self._mix.http_share else Via.KAFKA

    def _property(self, end: End) -> str:
        if end is End.SIMULATED:
            return "PROP_FAIL_SIMULATION"
        if end is End.NOT_FOUND:
            return f"NO-SUCH-{self._rng.randrange(1000)}"
        return self._rng.choice(self._mix.properties)

    def _body(self, asked: Asked) -> bytes:
        body: dict[str, object] = {
            "job_id": asked.token,
            "property_id": asked.property_id,
            "county_id": self._rng.choice(_SPELLINGS),
            "valuation_date": asked.valuation_date,
        }
        if asked.hint is not None:
            body["valuation_method_hint"] = asked.hint
        if asked.end is End.INVALID:
            body["property_id"] = self._rng.choice((17, None, [], "", "x" * 129))
        if asked.end is End.REFUSED:
            del body["property_id"]
        if asked.via is Via.HTTP and asked.end is not End.REFUSED and self._rng.random() < _BY_KEY_ALONE:
            del body["job_id"]
        return orjson.dumps(body)


def _dues(start_ms: int, per_second: float, burst: int) -> Iterator[int]:
    for index in count():
        yield start_ms + int(index * 1000 / per_second)
        if index % max(1, int(_BURST_SECONDS * per_second)) == 0:
            yield from repeat(start_ms + int(index * 1000 / per_second), burst)
