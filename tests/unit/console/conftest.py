"""The staged county, served on a real socket, and a browser-like client in front of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from producer.app import application
from producer.server import GatewayRunner
from producer.settings import GatewaySettings
from tests.console.stage import COUNTY, Stage, staged

RUN = "/api/v1/valuation/run"
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class Console:
    """The stage and a client that follows no redirection by itself."""

    stage: Stage
    client: aiohttp.ClientSession

    async def text(self, path: str, status: int = 200) -> str:
        """Get a page."""
        answer = await self.client.get(URL(path, encoded=True), allow_redirects=False)
        assert answer.status == status
        assert answer.content_type == "text/html"
        return await answer.text()

    async def post(self, path: str, fields: dict[str, str]) -> aiohttp.ClientResponse:
        """Send a form as one of our own pages would."""
        return await self.client.post(URL(path, encoded=True), data=fields, headers=OWN_PAGE, allow_redirects=False)

    async def job(self, property_id: str) -> str:
        """Have a property valued; returns the job id."""
        answer = await self.client.post(RUN, json={"property_id": property_id, "county_id": COUNTY})
        return str((await answer.json())["job_id"])


async def serve(settings: GatewaySettings) -> AsyncIterator[Console]:
    """Serve the stage until the test ends."""
    stage = staged(settings)
    runner = GatewayRunner(application(stage.gateway))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession(base, cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        while (await client.get("/readyz")).status != 200:
            pass
        yield Console(stage, client)
    await runner.cleanup()


@pytest.fixture
async def console() -> AsyncIterator[Console]:
    async for served in serve(GatewaySettings(gateway_publish_seconds=1.0, gateway_catch_up_seconds=1.0)):
        yield served
