"""The console in a real browser: by keyboard, live, on a phone, in the dark, on paper, and without scripts."""

import re
from pathlib import Path
from uuid import UUID

import orjson
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.console.conftest import Theatre
from tests.console.stage import COUNTY, EVIL, SLOW, batch, valuation

RUN = "/api/v1/valuation/run"


def ask(page: Page, theatre: Theatre, property_id: str) -> str:
    """Have a property valued through the interface; returns the job id."""
    answer = page.request.post(theatre.url + RUN, data={"property_id": property_id, "county_id": COUNTY})
    return str(answer.json()["job_id"])


def test_a_property_is_found_submitted_and_reported_by_keyboard_alone(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    page.get_by_role("link", name="New valuation").first.focus()
    page.keyboard.press("Enter")
    field = page.get_by_role("combobox", name="Property")
    field.focus()
    page.keyboard.type("PROP12")
    expect(page.locator("#found [role=option]")).to_have_count(8)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    chosen = page.locator("[role=option][aria-selected=true] strong").inner_text()
    page.keyboard.press("Enter")
    expect(field).to_have_value(chosen)
    expect(page.locator("#chosen")).to_contain_text("Richland")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}$"))
    expect(page.locator(".worth .value")).to_contain_text("$")
    expect(page.get_by_role("heading", name="Comparable sales")).to_be_visible()


def test_the_form_offers_a_countys_own_characteristics(page: Page, theatre: Theatre) -> None:
    page.goto("/submit")
    page.get_by_role("combobox", name="Property").press_sequentially("PROP123")
    page.locator("#found [role=option]").first.click()
    page.get_by_text("What if?").click()
    page.get_by_label("fireplaces").fill("3")
    area = page.get_by_label("Living area (sq ft)")
    assert area.get_attribute("placeholder") == str(_record(theatre, "PROP123")["living_area_sqft"])
    area.fill("2400")
    page.get_by_role("button", name="Value this property").click()
    page.wait_for_url(re.compile("/jobs/"))
    (_, record) = theatre.stage.kafka.log["valuation.requests"][-1]
    assert b'"characteristics":{"living_area_sqft":2400.0,"fireplaces":3.0}' in (record.value or b"")


def test_the_list_shows_new_jobs_without_a_reload(page: Page, theatre: Theatre) -> None:
    page.goto("/")
    expect(page.locator("#live-text")).to_have_text("Live")
    page.evaluate("window.same = true")
    ask(page, theatre, "PROP123")
    expect(page.locator("#rows tr th")).to_have_text(["PROP123"])
    ask(page, theatre, "NOPE")
    expect(page.locator("#rows tr th")).to_have_text(["NOPE", "PROP123"])
    assert page.evaluate("window.same") is True


def test_a_paused_list_stands_still_and_goes_on(page: Page, theatre: Theatre) -> None:
    page.goto("/")
    page.get_by_role("button", name="Pause").click()
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    ask(page, theatre, "PROP123")
    expect(page.locator("#live-text")).to_have_text("Paused")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#rows tr th")).to_have_text(["PROP123"])
    assert fetched


def test_focus_stays_on_a_row_while_others_come(page: Page, theatre: Theatre) -> None:
    ask(page, theatre, "PROP123")
    page.goto("/")
    page.get_by_role("link", name="PROP123").focus()
    ask(page, theatre, "PROP124")
    expect(page.locator("#rows tr")).to_have_count(2)
    expect(page.locator(":focus")).to_have_text("PROP123")


def test_a_waiting_report_appears_when_its_result_comes(page: Page, theatre: Theatre) -> None:
    job_id = ask(page, theatre, SLOW)
    page.goto(f"/jobs/{job_id}")
    expect(page.get_by_role("status")).to_contain_text("waiting for its turn")
    record = _record(theatre, SLOW)
    theatre.do(lambda: theatre.stage.view.finish(UUID(job_id), valuation(record, [record] * 60)))
    expect(page.locator(".worth .value")).to_contain_text("$")


def test_a_reappraisal_is_begun_and_watched(page: Page, theatre: Theatre) -> None:
    page.goto(f"/counties/{COUNTY}")
    page.get_by_text("Value the county anew").click()
    page.get_by_role("button", name="Begin the reappraisal").click()
    page.wait_for_url(re.compile("/batches/"))
    total = len(theatre.stage.roll.records)
    expect(page.locator("#progress")).to_contain_text(f"Published{total}")
    expect(page.get_by_role("heading", name="Progress")).to_contain_text("%")


def test_a_batch_is_cancelled_after_a_second_thought(page: Page, theatre: Theatre) -> None:
    theatre.do(lambda: batch(theatre.stage.view, "b-1", 10))
    page.goto("/batches/b-1")
    page.get_by_text("Cancel this batch").click()
    with page.expect_response(re.compile("/batches/b-1")):
        pass
    page.get_by_role("button", name="Cancel the rest").click()
    expect(page.locator("#progress .badge")).to_have_text("Cancelled")


def test_text_of_records_stays_text(page: Page, theatre: Theatre) -> None:
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    evil = f"EVIL{EVIL}"
    job_id = ask(page, theatre, evil)
    for path in (f"/jobs/{job_id}", "/", f"/counties/{COUNTY}?q=EVIL"):
        page.goto(path)
        expect(page.locator("body")).to_contain_text(EVIL)
        assert page.locator("script:not([src])").count() == 0
    page.goto("/submit")
    page.get_by_role("combobox", name="Property").press_sequentially("EVIL")
    expect(page.locator("#found [role=option]")).to_contain_text(evil)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_text("What if?").click()
    expect(page.locator("#changes")).to_contain_text(EVIL)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_pages_meet_the_accessibility_rules(browser: Browser, theatre: Theatre, scheme: str, width: int) -> None:
    context = browser.new_context(
        base_url=theatre.url,
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    jobs = [ask(page, theatre, each) for each in ("PROP123", "NOPE", SLOW)]
    theatre.do(lambda: batch(theatre.stage.view, "b-1", 10))
    reports = [f"/jobs/{job_id}" for job_id in jobs]
    for path in [
        "/",
        "/submit",
        "/counties",
        f"/counties/{COUNTY}",
        "/batches",
        "/batches/b-1",
        "/jobs/x",
        "/dead-letters",
        "/dead-letters/0:2",
        *reports,
    ]:
        page.goto(path)
        for closed in page.locator("summary").all():
            closed.click()
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()


def test_the_report_prints_on_a_few_clean_pages(page: Page, theatre: Theatre, tmp_path: Path) -> None:
    page.goto(f"/jobs/{ask(page, theatre, 'PROP123')}")
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator("header.top")).to_be_hidden()
    expect(page.locator(".tools")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    printed = page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 4


def test_everything_works_without_scripts(browser: Browser, theatre: Theatre) -> None:
    context = browser.new_context(base_url=theatre.url, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"/counties/{COUNTY}?q=PROP123")
    page.get_by_role("link", name="Value PROP123").click()
    page.get_by_role("button", name="Value this property").click()
    expect(page.locator(".worth .value")).to_contain_text("$")
    page.get_by_role("link", name="Other jobs of this property").click()
    expect(page.locator("#rows tr")).to_have_count(1)
    context.close()


def _record(theatre: Theatre, property_id: str) -> dict[str, object]:
    return dict(orjson.loads(theatre.stage.roll.records[COUNTY, property_id]))
