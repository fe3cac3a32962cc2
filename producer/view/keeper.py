"""Writes the overlay to the store in the background, in bulk, and keeps trying when the store cannot be written.

What is not written stays visible in the overlay. When too much gathers there, reading waits: rows are never dropped.
"""

import asyncio
from contextlib import suppress
from typing import Final

import structlog

from producer.store.base import Changes, JobStore
from producer.store.errors import StoreReplaced, StoreUnavailable
from producer.view.overlay import Overlay
from producer.view.settings import ViewSettings

_log = structlog.get_logger(__name__)

_RETRY_S: Final = 0.25
_LONGEST_RETRY_S: Final = 5.0


class Keeper:
    """The only writer of events to the store.

    ``replaced`` says that another process has emptied the store: what was taken in is forgotten, and reading has to
    begin anew.
    """

    def __init__(self, store: JobStore, overlay: Overlay, settings: ViewSettings) -> None:
        self._store = store
        self._overlay = overlay
        self._settings = settings
        self._arrived = asyncio.Event()
        self._hurry = asyncio.Event()
        self._wrote = asyncio.Event()
        self._begun = self._done = 0
        self.generation = ""
        self.trouble: str | None = None
        self.replaced = False

    def arrived(self) -> None:
        """Note that something is in the overlay; much of it is written at once."""
        self._arrived.set()
        if self._overlay.rows >= self._settings.rows_at_once:
            self._hurry.set()

    async def room(self) -> None:
        """Return when the overlay has room for more."""
        while self._overlay.rows >= self._settings.rows_held or self._overlay.size >= self._settings.bytes_held:
            self._hurry.set()
            await self._wrote.wait()

    async def flush(self, timeout_s: float) -> bool:
        """Return True once everything taken in before this call is stored; False when time is up."""
        goal = self._begun + (1 if self._overlay.dirty else 0)
        try:
            async with asyncio.timeout(timeout_s):
                while self._done < goal:
                    self._hurry.set()
                    await self._wrote.wait()
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Write for ever."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.write_interval_s):
                    await self._hurry.wait()
            self._hurry.clear()
            if self._overlay.dirty:
                self._begun += 1
                await self._write(await asyncio.to_thread(self._overlay.leave(), self.generation))
                self._overlay.settle()
                self._done += 1
                self._wrote.set()
                self._wrote = asyncio.Event()

    async def _write(self, changes: Changes) -> None:
        """Write until it succeeds, or until nobody wants it written any more."""
        pause = _RETRY_S
        while changes.generation == self.generation:
            try:
                await self._store.apply(changes)
            except StoreReplaced:
                if changes.generation == self.generation:
                    self._overlay.clear()
                    self.replaced = True
                return
            except StoreUnavailable as wrong:
                self._note(str(wrong))
            except Exception as wrong:  # noqa: BLE001 - rows are kept and tried again, whatever it was
                _log.exception("The job store failed; trying again")
                self._note(f"the job store failed: {wrong}")
            else:
                self._note(None)
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_RETRY_S)

    def _note(self, trouble: str | None) -> None:
        if trouble != self.trouble:
            if trouble is None:
                _log.info("The job store takes rows again")
            else:
                _log.warning("The job view waits for its store", reason=trouble)
        self.trouble = trouble
