"""A real browser in front of the staged county; without Chromium these tests skip and say what to install."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import pytest
from aiohttp import web
from playwright.sync_api import Browser, BrowserContext, Page

from producer.app import application
from producer.server import GatewayRunner
from tests.console.chromium import chromium
from tests.console.stage import Stage, staged

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Theatre:
    """The stage, served from a thread of its own so that the browser's calls may block."""

    stage: Stage
    url: str
    loop: asyncio.AbstractEventLoop

    def do(self, act: Callable[[], _T]) -> _T:
        """Do something on the gateway's own thread and return what came of it."""

        async def acted() -> _T:
            return act()

        return asyncio.run_coroutine_threadsafe(acted(), self.loop).result(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def theatre() -> Iterator[Theatre]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    stage, runner, url = asyncio.run_coroutine_threadsafe(_opened(), loop).result(20)
    yield Theatre(stage, url, loop)
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def _opened() -> tuple[Stage, GatewayRunner, str]:
    stage = staged()
    runner = GatewayRunner(application(stage.gateway))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return stage, runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


@pytest.fixture
def context(browser: Browser, theatre: Theatre) -> Iterator[BrowserContext]:
    made = browser.new_context(base_url=theatre.url, viewport={"width": 1200, "height": 800})
    made.set_default_timeout(15_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab in which no script may fail and nothing may break the content policy."""
    faults: list[str] = []
    opened = context.new_page()
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    yield opened
    assert not [fault for fault in faults if "ERR_CONNECTION" not in fault]
