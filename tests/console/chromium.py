"""The Chromium of the system, driven by Playwright; tests that need it skip where there is none."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from playwright.sync_api import Browser, sync_playwright

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_SWITCHES: Final = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser without a window. While it runs no event loop can run in this thread: keep it to one module."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium: apt-get install chromium (or run .ci/packages) to test the console in a browser")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=_SWITCHES)
        yield started
        started.close()
