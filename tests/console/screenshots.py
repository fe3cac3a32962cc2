"""``python -m tests.console.screenshots [URL]`` takes the pictures of docs/walk.md from a running system.

It walks as a newcomer would: front page, form, report, county, reappraisal. It submits valuations, so it wants a
sample county behind it, as ``make run`` starts one.
"""

import re
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, expect

from tests.console.chromium import chromium

DIRECTORY: Final = Path(__file__).parents[2] / "docs" / "screenshots"
_DESK: Final = {"width": 1100, "height": 760}
_PHONE: Final = {"width": 390, "height": 844}


def walk(page: Page, directory: Path) -> str:
    """Walk through the console on a desk and return where the report is."""
    page.goto("/")
    page.get_by_role("link", name="New valuation").first.click()
    page.get_by_role("combobox", name="Property").press_sequentially("PROP12", delay=20)
    expect(page.locator("#found [role=option]").first).to_be_visible(timeout=30_000)
    page.keyboard.press("ArrowDown")
    _take(page, directory, "submit")
    page.get_by_role("combobox", name="Property").fill("PROP123")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Value this property").click()
    page.wait_for_url(re.compile("/jobs/"))
    expect(page.locator(".worth .value")).to_contain_text("$", timeout=60_000)
    report = page.url
    _take(page, directory, "report")
    page.locator("#comparables").scroll_into_view_if_needed()
    page.evaluate("document.getElementById('comparables').scrollIntoView()")
    _take(page, directory, "report-comparables")
    page.goto("/counties/BENTON")
    page.get_by_text("Value the county anew").click()
    page.get_by_role("button", name="Begin the reappraisal").click()
    page.wait_for_url(re.compile("/batches/"))
    expect(page.locator("#progress-name")).to_contain_text(re.compile(r"[1-9]\d*\.\d %"), timeout=60_000)
    _take(page, directory, "reappraisal")
    expect(page.locator("#progress .badge")).to_have_text("Completed", timeout=120_000)
    page.goto("/counties/BENTON")
    page.evaluate("document.getElementById('study').scrollIntoView()")
    _take(page, directory, "county")
    page.goto("/")
    _take(page, directory, "jobs")
    return report


def variants(browser: Browser, url: str, report: str, directory: Path) -> None:
    """Take the report on a phone, and in the dark."""
    phone = browser.new_page(base_url=url, viewport=_PHONE)  # type: ignore[arg-type] # a TypedDict, of a constant
    phone.goto(report)
    _take(phone, directory, "report-phone")
    dark = browser.new_page(base_url=url, viewport=_DESK, color_scheme="dark")  # type: ignore[arg-type] # the same
    dark.goto(report)
    _take(dark, directory, "report-dark")


def _take(page: Page, directory: Path, name: str) -> None:
    page.wait_for_load_state()
    page.screenshot(path=directory / f"{name}.png", animations="disabled")


def main(url: str, directory: Path) -> None:
    """Take all pictures."""
    directory.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        page = browser.new_page(base_url=url, viewport=_DESK)  # type: ignore[arg-type] # a TypedDict, of a constant
        page.set_default_timeout(30_000)
        variants(browser, url, walk(page, directory), directory)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8000", DIRECTORY)
