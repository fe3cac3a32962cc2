"""Follows the topics into the overlay, the waiters and the feed, and begins anew whenever Kafka lets go."""

import asyncio
import random
import time
from typing import Final

import structlog

from producer.store.base import Bookmark, JobStore, Place
from producer.store.errors import StoreUnavailable
from producer.view.catchup import CatchUp
from producer.view.errors import ForeignLog, LogUnavailable
from producer.view.eventid import EventIds
from producer.view.feed import Feed
from producer.view.keeper import Keeper
from producer.view.log import Log, Opened, Polled
from producer.view.overlay import Overlay
from producer.view.taking import Taking

_log = structlog.get_logger(__name__)

_POLL_S: Final = 0.1
_RETRY_S: Final = 0.1
_LONGEST_RETRY_S: Final = 2.0
_REST_A_RECORD_S: Final = 0.0005
_LONGEST_REST_S: Final = 0.02
"""A poll costs most of a millisecond whatever it brings. Under load a rest after each lets the next one bring more."""
_MORE_BEHIND: Final = 400
"""A poll that brings this many is not the last before the topics end: then the view takes a third of the time."""


class Follower:
    """Reads on from where the store stands; ``caught_up`` once it has reached the ends as of its start."""

    def __init__(  # noqa: PLR0913 - the places records go to
        self,
        *,
        log: Log,
        store: JobStore,
        overlay: Overlay,
        keeper: Keeper,
        taking: Taking,
        catch_up: CatchUp,
        feed: Feed,
        results_topic: str,
    ) -> None:
        self._log = log
        self._store = store
        self._overlay = overlay
        self._keeper = keeper
        self._taking = taking
        self._catch_up = catch_up
        self._feed = feed
        self._results_topic = results_topic
        self._positions: dict[Place, int] = {}
        self._goal: dict[Place, int] = {}
        self.caught_up = False
        self.trouble: str | None = "the job view has not reached Kafka yet"

    async def run(self) -> None:
        """Follow for ever."""
        pause = _RETRY_S
        while True:
            try:
                await self._begin()
                pause = _RETRY_S
                await self._follow()
            except (LogUnavailable, StoreUnavailable) as wrong:
                self._note(str(wrong))
            except Exception as wrong:  # noqa: BLE001 - the gateway goes on, the view says why it does not
                _log.exception("The job view failed; beginning anew")
                self._note(f"the job view failed: {wrong}")
            finally:
                await self._log.close()
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads retries
            pause = min(pause * 2, _LONGEST_RETRY_S)

    async def _begin(self) -> None:
        mark = await self._store.bookmark()
        if mark.generation != self._keeper.generation:
            self._start_from(mark)
        opened = await self._open(mark.cluster_id)
        self._positions = dict(opened.positions)
        if not self.caught_up:
            self._goal = dict(opened.ends)
        self._catch_up.begin(self._positions)
        results = {partition: at for (topic, partition), at in self._positions.items() if topic == self._results_topic}
        self._feed.begin(EventIds(opened.cluster_id, self._results_topic), results)
        self._check()
        self._note(None)

    async def _open(self, cluster_id: str | None) -> Opened:
        try:
            opened = await self._log.open(self._positions, cluster_id)
        except ForeignLog as wrong:
            _log.warning("The job store is emptied and filled from the topics", reason=str(wrong))
            self._catch_up.forget()
            self._start_from(await self._store.reset(None))
            cluster_id = None
            opened = await self._log.open({}, None)
        if cluster_id is None:
            await self._store.adopt(opened.cluster_id)
        return opened

    def _start_from(self, mark: Bookmark) -> None:
        self._overlay.clear()
        self._keeper.generation = mark.generation
        self._keeper.replaced = False
        self._positions = dict(mark.positions)

    async def _follow(self) -> None:
        while not self._keeper.replaced:
            polled = await self._log.poll(_POLL_S)
            began = time.monotonic()
            await self._take(polled)
            await self._keeper.room()
            if (arrived := sum(map(len, polled.records))) and (self.caught_up or arrived < _MORE_BEHIND):
                await self._log.rest(_rest_s(arrived, time.monotonic() - began))

    async def _take(self, polled: Polled) -> None:
        for records in polled.records:
            await self._taking.take(records)
        self._positions.update(polled.positions)
        if polled.records:
            self._overlay.advance(polled.positions)
            self._keeper.arrived()
        self._catch_up.advance(polled.positions)
        if not self.caught_up:
            self._check()

    def _check(self) -> None:
        self.caught_up = self.caught_up or all(
            self._positions.get(place, 0) >= end for place, end in self._goal.items()
        )

    def _note(self, trouble: str | None) -> None:
        if trouble != self.trouble:
            if trouble is None:
                _log.info("The job view follows the topics")
            else:
                _log.warning("The job view waits", reason=trouble)
        self.trouble = trouble


def _rest_s(arrived: int, took_s: float) -> float:
    return min(2 * took_s if arrived >= _MORE_BEHIND else arrived * _REST_A_RECORD_S, _LONGEST_REST_S)
