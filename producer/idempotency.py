"""Makes one job of many requests with the same ``Idempotency-Key``, and refuses a key that comes with another body.

A key is remembered in memory while it is young and in the job view for as long as the request is kept; both know the
fingerprint of the body. Requests with one key that arrive together wait for the first of them.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from producer.errors import Fault, InvalidBody
from producer.view.base import View

_REMEMBERED: Final = 50_000


@dataclass(slots=True, eq=False)
class _Claim:
    job_id: UUID
    fingerprint: bytes
    settled: asyncio.Future[bool]


class IdempotencyKeys:
    """Decides whether a keyed request is the first of its key.

    Args:
        view: knows the keys of requests published earlier, by any gateway.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._claims: OrderedDict[UUID, _Claim] = OrderedDict()

    @asynccontextmanager
    async def first(
        self, key_id: UUID, job_id: UUID, fingerprint: bytes, *, caught_up: Callable[[], Awaitable[None]]
    ) -> AsyncIterator[UUID | None]:
        """Enter to find out whether to publish: None means publish within, a job id means that this job exists.

        ``caught_up`` returns once the view holds every request published so far, or raises; it is awaited for a key
        that is not remembered. Leaving with an error frees the key, so that a retry publishes.

        Raises:
            InvalidBody: the key was used with another body.
        """
        while (claim := self._claims.get(key_id)) is not None:
            _same(claim.fingerprint, fingerprint)
            if await asyncio.shield(claim.settled):
                yield claim.job_id
                return
        claim = self._remember(key_id, _Claim(job_id, fingerprint, asyncio.get_running_loop().create_future()))
        published = False
        try:
            await caught_up()
            known = await self._known(key_id, fingerprint)
            if known is not None:
                claim.job_id = known
            yield known
            published = True
        finally:
            if not published:
                self._claims.pop(key_id, None)
            claim.settled.set_result(published)

    async def _known(self, key_id: UUID, fingerprint: bytes) -> UUID | None:
        found = await self._view.idempotency(key_id)
        if found is None:
            return None
        _same(found[1], fingerprint)
        return found[0]

    def _remember(self, key_id: UUID, claim: _Claim) -> _Claim:
        self._claims[key_id] = claim
        while len(self._claims) > _REMEMBERED and next(iter(self._claims.values())).settled.done():
            self._claims.popitem(last=False)
        return claim


def _same(one: bytes, other: bytes) -> None:
    if one != other:
        raise InvalidBody(
            "This Idempotency-Key was used with another request.",
            faults=(Fault("", "differs from the request that this Idempotency-Key came with first"),),
        )
