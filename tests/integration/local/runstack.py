"""Runs a stack whose gateway and workers are stand-ins, the rest being real."""

import sys
from pathlib import Path

from deploy.local.commands import _show, _view
from deploy.local.processes import Programs
from deploy.local.settings import LocalSettings
from deploy.local.stack import Stack
from schemas.settings import KafkaSettings

STANDIN = str(Path(__file__).with_name("standin.py"))

if __name__ == "__main__":
    settings = LocalSettings()
    programs = Programs((sys.executable, STANDIN, "gateway"), (sys.executable, STANDIN, "worker"))
    stack = Stack(settings, KafkaSettings(), _view(as_json="--json" in sys.argv))
    stack.run(programs, lambda *_: None, lambda record: _show(record, settings, as_json="--json" in sys.argv))
