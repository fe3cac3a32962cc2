"""Stands in for gateway and worker: answers 200 on /readyz on its port; says on /pid who it is.

`python standin.py gateway|worker`; SLOW_STOP seconds pass between SIGTERM and its end, and the one that
FAIL_TO_START names ends at once.
"""

import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(os.getpid()).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        sys.stderr.write(f"[warning  ] {format % args}\n")


def _stop(*_: object) -> None:
    time.sleep(float(os.environ.get("SLOW_STOP", "0")))
    os._exit(0)


if __name__ == "__main__":
    if os.environ.get("FAIL_TO_START") == sys.argv[1]:
        sys.stderr.write("I cannot\n")
        sys.exit(3)
    signal.signal(signal.SIGTERM, _stop)
    port = os.environ["GATEWAY_PORT" if sys.argv[1] == "gateway" else "PROCESSOR_PORT"]
    ThreadingHTTPServer(("127.0.0.1", int(port)), _Handler).serve_forever()
