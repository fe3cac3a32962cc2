"""``python -m producer``: the gateway as a process of its own."""

import asyncio
import gc
import logging
import signal
import sys
from typing import Final

from aiohttp import web

from producer.app import application, compose
from producer.security.exposure import refuse_open_doors
from producer.server import GatewayRunner, Limits
from producer.settings import GatewaySettings
from schemas.connections import mend_connections
from schemas.errors import SettingsError
from schemas.logs import configure, get_logger
from schemas.settings import KafkaSettings
from schemas.showing import configuration

_BACKLOG: Final = 1024
_COLLECT_AFTER: Final = (50_000, 20, 100)
_SWITCH_SECONDS: Final = 0.001
_log = get_logger(__name__)


async def serve(settings: GatewaySettings, kafka: KafkaSettings) -> None:
    """Serve until SIGTERM or SIGINT, then finish what has been begun.

    Raises:
        SettingsError: the settings contradict each other.
        OSError: the address cannot be listened on.
    """
    refuse_open_doors(settings)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    limits = Limits(settings.gateway_max_connections, settings.gateway_head_seconds, settings.gateway_max_runs_in_hand)
    runner = GatewayRunner(application(compose(settings, kafka)), limits)
    await runner.setup()
    _calm()
    try:
        await web.TCPSite(runner, settings.gateway_host, settings.gateway_port, backlog=_BACKLOG).start()
        _log.info("listening", addresses=[f"{address[0]}:{address[1]}" for address in runner.addresses])
        await stop.wait()
        _log.info("stopping")
    finally:
        await runner.cleanup()


def _calm() -> None:
    """Spare the collector what stays, and have it look less often: nothing on the way of a request is a cycle.

    And let the loop wait less for its turn while the job store's thread is busy.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    sys.setswitchinterval(_SWITCH_SECONDS)


def main() -> int:
    """Run the gateway, or with ``--print-config`` show how it is configured; returns the exit status."""
    settings = GatewaySettings()
    if "--print-config" in sys.argv[1:]:
        sys.stdout.writelines(f"{line}\n" for line in configuration((KafkaSettings(), settings)))
        return 0
    configure(settings.log_format, settings.log_level)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # repeats every retry; publisher and view say it once
    mend_connections()
    try:
        _run(serve(settings, KafkaSettings()))
    except (OSError, SettingsError) as wrong:
        _log.error("cannot start", error=str(wrong))
        return 1
    return 0


if sys.platform == "win32":
    _run = asyncio.run
else:
    import uvloop

    _run = uvloop.run


if __name__ == "__main__":
    sys.exit(main())
