"""``python -m tests.console [PORT]`` serves the staged county until it is stopped, to look at."""

import asyncio
import sys

from aiohttp import web

from producer.app import application
from producer.server import GatewayRunner
from tests.console.stage import staged


async def main(port: int) -> None:
    """Serve for ever."""
    runner = GatewayRunner(application(staged().gateway))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8210))
