"""The walk of docs/walk.md, in a real browser, against the whole system."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.acceptance.client import Client
from tests.console.chromium import chromium
from tests.console.screenshots import walk


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def test_a_newcomer_walks_from_the_front_page_to_a_report_and_a_reappraised_county(
    browser: Browser, client: Client, tmp_path: Path
) -> None:
    page = browser.new_page(base_url=client.gateway, viewport={"width": 1100, "height": 760})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.set_default_timeout(60_000)
    report = walk(page, tmp_path)
    page.goto(report)
    lines = page.locator("table.steps tbody td.n").all_inner_texts()
    assert sum(map(_cents, lines)) == _cents(page.locator("#unrounded").inner_text())
    assert len(list(tmp_path.glob("*.png"))) >= 6
    assert not faults
    page.close()


def _cents(text: str) -> int:
    digits = text.replace("\N{MINUS SIGN}", "-").replace("$", "").replace(",", "").replace(".", "").replace("+", "")
    return int(digits)
