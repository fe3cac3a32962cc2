"""``python -m processor``: one worker, configured by the environment, until SIGTERM or SIGINT."""

import asyncio
import gc
import logging
import sys
from typing import Final, NoReturn

import faust
import uvloop

from processor.settings import ProcessorSettings
from processor.worker import Worker
from schemas import logs
from schemas.connections import mend_connections
from schemas.errors import SettingsError
from schemas.settings import CommonSettings, KafkaSettings
from schemas.showing import configuration

_EXIT_USAGE: Final = 64
_TALKATIVE: Final = ("aiokafka", "processor.app")
"""aiokafka warns of every retry, which transactions make all the time; Faust's service of that name of every step."""


def spare_the_collector() -> None:
    """Keep the cycle collector from walking over everything in hand again and again.

    Tens of thousands of requests are alive at any time and none of them is part of a cycle: with Python's default
    thresholds a third of the time at full speed went into finding that out.
    """
    gc.freeze()
    gc.set_threshold(200_000, 50, 1_000)


def main() -> NoReturn:
    """Run a worker until it is told to stop, or with ``--print-config`` show how it is configured; then exit."""
    common, settings = CommonSettings(), ProcessorSettings()
    if "--print-config" in sys.argv[1:]:
        sys.stdout.writelines(f"{line}\n" for line in configuration((KafkaSettings(), common, settings)))
        sys.exit(0)
    logs.configure(common.log_format, common.log_level)
    for library in _TALKATIVE:
        logging.getLogger(library).setLevel(logging.ERROR)
    common.data_dir.mkdir(parents=True, exist_ok=True)
    mend_connections()
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        worker = Worker(settings, common, KafkaSettings().client_options(common.data_dir))
    except SettingsError as wrong:
        sys.stderr.write(f"{wrong}\n")
        sys.exit(_EXIT_USAGE)
    host = faust.Worker(worker.app, loop=loop, quiet=True, redirect_stdouts=False, override_logging=False)
    host.spinner = None
    spare_the_collector()
    host.execute_from_commandline()


if __name__ == "__main__":
    main()
