"""``python -m processor``: one worker, configured by the environment, until SIGTERM or SIGINT."""

import asyncio
import sys
from typing import NoReturn

import faust
import uvloop

from processor.settings import ProcessorSettings
from processor.worker import Worker
from schemas import logs
from schemas.errors import SettingsError
from schemas.settings import CommonSettings, KafkaSettings
from schemas.topics import topics

_EXIT_USAGE = 64


def main() -> NoReturn:
    """Run a worker until it is told to stop, then exit."""
    common, settings = CommonSettings(), ProcessorSettings()
    logs.configure(common.log_format, common.log_level)
    try:
        options = KafkaSettings().client_options(common.data_dir)
    except SettingsError as wrong:
        sys.stderr.write(f"{wrong}\n")
        sys.exit(_EXIT_USAGE)
    common.data_dir.mkdir(parents=True, exist_ok=True)
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    worker = Worker(settings, topics(common.topic_prefix), options, common.data_dir)
    host = faust.Worker(worker.app, loop=loop, quiet=True, redirect_stdouts=False, override_logging=False)
    host.spinner = None
    host.execute_from_commandline()


if __name__ == "__main__":
    main()
