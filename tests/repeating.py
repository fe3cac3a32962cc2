"""Load for as long as something is tried under it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeating(ask: Callable[[], None], pause_seconds: float = 0.0) -> Iterator[None]:
    """Ask over and over in a thread of its own, with pauses, for the life of the context; the last time to its end."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(pause_seconds):
            ask()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
