"""Pages show what the gateway knows, escape what strangers wrote, and answer errors as pages."""

from uuid import UUID

import orjson
import pytest
from yarl import URL

from producer.deadletters.letter import Position
from producer.store.base import NewBatch
from tests.console.stage import COUNTY, EVIL, SLOW, batch
from tests.unit.console.conftest import Console
from tests.unit.console.pages import Page, cents

PAGES = ["/", "/submit", "/batches", "/counties", f"/counties/{COUNTY}", "/dead-letters", "/dead-letters/0:1"]


@pytest.mark.parametrize("path", PAGES)
async def test_pages_are_well_formed_and_allow_nothing_inline(console: Console, path: str) -> None:
    answer = await console.client.get(path)
    assert "script-src 'self'; style-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
    html = await answer.text()
    page = Page(html)
    assert " style=" not in html
    assert all(script.get("src", "").startswith("/console/") for script in page.attributes("script"))
    assert len(page.texts("h1")) == 1
    ids = [found["id"] for _, found, _ in page.elements if "id" in found]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", ["/jobs/x", "/batches/nothing", "/counties/NOWHERE", "/jobs/" + "0" * 32])
async def test_errors_are_pages_too(console: Console, path: str) -> None:
    answer = await console.client.get(path)
    assert answer.content_type == "text/html"
    assert answer.status in {400, 404}
    assert Page(await answer.text()).texts("h1")


async def test_the_list_shows_jobs_newest_first_with_their_values(console: Console) -> None:
    first, second = await console.job("PROP123"), await console.job("NOPE")
    page = Page(await console.text("/"))
    links = [found["href"] for found in page.attributes("a") if found["href"].startswith("/jobs/")]
    assert links == [f"/jobs/{second}", f"/jobs/{first}"]
    value = orjson.loads(console.stage.view.finished[UUID(first)])["result"]["estimated_value"]
    assert f"${value:,.0f}" in page.texts("tr")[-1]
    assert "Property not on the roll" in page.texts("tr")[1]


async def test_filters_reach_the_store_and_stay_in_the_form(console: Console) -> None:
    await console.job("PROP123")
    await console.job("NOPE")
    page = Page(
        await console.text(
            "/?county_id=benton-wa&status=FAILED&failure_reason=property_not_found&property_id=NOPE&batch_id="
        )
    )
    wanted = console.stage.view.filters[-1]
    assert (wanted.county_id, wanted.status, wanted.property_id, wanted.batch_id) == (COUNTY, "FAILED", "NOPE", None)
    assert [row for row in page.texts("tr") if "NOPE" in row]
    assert not [row for row in page.texts("tr") if "PROP123" in row]
    assert "NOPE" in [found.get("value") for found in page.attributes("input")]


async def test_a_filter_that_cannot_be_read_is_said_and_ignored(console: Console) -> None:
    page = Page(await console.text("/?status=DONE"))
    assert "All jobs are shown" in " ".join(page.texts("p"))


async def test_older_jobs_are_a_page_away_and_that_page_stands_still(console: Console) -> None:
    for _ in range(51):
        await console.job("NOPE")
    newest = Page(await console.text("/?county_id=BENTON"))
    older = next(found["href"] for found in newest.attributes("a") if "cursor" in found["href"])
    assert "county_id=BENTON" in older
    assert newest.attributes("main")[0]["data-events"] == "/api/v1/valuation/events?county_id=BENTON"
    last = Page(await console.text(older))
    assert "data-events" not in last.attributes("main")[0]
    assert len([found for found in last.attributes("a") if found["href"].startswith("/jobs/")]) == 1


async def test_the_lines_of_a_report_add_up_to_the_cent(console: Console) -> None:
    page = Page(await console.text(f"/jobs/{await console.job('PROP123')}"))
    rows = page.texts("tr")
    start = next(number for number, row in enumerate(rows) if row.startswith("Base value"))
    end = next(number for number, row in enumerate(rows) if row.startswith("Sum "))
    total = sum(cents(row) for row in rows[start:end])
    assert total == cents(rows[end])
    assert total + cents(rows[end + 1]) == cents(rows[end + 2])
    assert cents(rows[end + 2]) % 10_000 == 0


async def test_every_comparable_adds_up_to_its_adjusted_price(console: Console) -> None:
    page = Page(await console.text(f"/jobs/{await console.job('PROP123')}"))
    for column in "12345":
        lines = [cents(text) for text in page.texts("td", data_column=column)]
        (adjusted,) = page.texts("td", data_total=column)
        assert len(lines) == 8
        assert sum(lines) == cents(adjusted)


async def test_a_report_says_who_what_when_and_how(console: Console) -> None:
    job_id = await console.job("PROP123")
    html = await console.text(f"/jobs/{job_id}")
    page = Page(html)
    record = orjson.loads(console.stage.roll.records[COUNTY, "PROP123"])
    assert page.texts("h1") == [record["address"]]
    text = " ".join(page.texts("article"))
    for part in (
        "valued as of Nov 23, 2026",
        "high (0.92)",
        "Reconciled value",
        "benton-5df5f98ff499",
        "Mass appraisal estimate.",
        "not known; a typical value was used",
        "2026-000871",
        job_id,
    ):
        assert part in text
    assert len([found for found in page.attributes("svg") if found.get("class") == "step"]) == 12
    assert {found["class"] for found in page.attributes("svg")} == {"step", "chart", "chart range", "plot"}


async def test_the_interface_gives_the_report_to_who_prefers_html(console: Console) -> None:
    job_id = await console.job("PROP123")
    path = f"/api/v1/valuation/results/{job_id}"
    browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    page = await console.client.get(path, headers=browser)
    assert (page.status, page.content_type) == (200, "text/html")
    assert await page.text() == await console.text(f"/jobs/{job_id}")
    for accept in ("*/*", "application/json", "text/html;q=0.5, application/json", "text/html;q=0", "nonsense"):
        data = await console.client.get(path, headers={"Accept": accept})
        assert data.content_type == "application/json"
        assert "Accept" in data.headers["Vary"]
    unknown = await console.client.get(path[:-1] + ("0" if path[-1] != "0" else "1"), headers=browser)
    assert (unknown.status, unknown.content_type) == (404, "text/html")


async def test_text_of_records_is_never_markup(console: Console) -> None:
    evil = f"EVIL{EVIL}"
    pages = [
        f"/jobs/{await console.job(evil)}",
        f"/jobs/{await console.job('unknown' + EVIL)}",
        "/",
        f"/?property_id={EVIL}&batch_id={EVIL}&county_id={EVIL}",
        f"/counties/{COUNTY}?q=EVIL",
        f"/submit?county_id={COUNTY}&property_id={evil}",
        f"/submit?county_id={EVIL}&property_id={EVIL}&valuation_date={EVIL}",
        f"/counties/{EVIL}",
        f"/batches/{EVIL}",
        f"/jobs/{EVIL}",
        "/dead-letters",
        "/dead-letters/0:2",
    ]
    for path in pages:
        html = await (await console.client.get(path)).text()
        assert "<script>alert" not in html
        assert not [found for found in Page(html).attributes("script") if "src" not in found]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in await console.text(pages[0])


async def test_a_job_that_waits_says_so_and_listens_for_its_own_result(console: Console) -> None:
    job_id = await console.job(SLOW)
    page = Page(await console.text(f"/jobs/{job_id}"))
    assert page.attributes("main")[0]["data-events"] == f"/api/v1/valuation/events?job_id={job_id}"
    assert "waiting for its turn" in " ".join(page.texts("p"))


async def test_a_failed_job_says_why(console: Console) -> None:
    page = Page(await console.text(f"/jobs/{await console.job('NOPE')}"))
    assert "Property NOPE not found in county BENTON." in page.texts("p")
    assert "data-events" not in page.attributes("main")[0]


async def test_a_result_of_another_form_does_not_break_the_report(console: Console) -> None:
    job_id = await console.job(SLOW)
    console.stage.view.finish(UUID(job_id), {"estimated_value": 1})
    assert "of a form that this page cannot show" in await console.text(f"/jobs/{job_id}")
    await console.text("/")


async def test_a_property_without_coordinates_has_a_report_without_a_map(console: Console) -> None:
    record = orjson.loads(console.stage.roll.records[COUNTY, "PROP123"])
    console.stage.roll.records[COUNTY, "PROP123"] = orjson.dumps({**record, "latitude": None})
    page = Page(await console.text(f"/jobs/{await console.job('PROP123')}"))
    assert "plot" not in {found["class"] for found in page.attributes("svg")}


async def test_a_property_that_left_the_roll_still_has_its_report(console: Console) -> None:
    job_id = await console.job("PROP123")
    console.stage.roll.records.clear()
    console.stage.roll.serving.clear()
    assert Page(await console.text(f"/jobs/{job_id}")).texts("h1") == ["Property PROP123"]


async def test_a_county_shows_its_study_and_its_roll(console: Console) -> None:
    page = Page(await console.text(f"/counties/{COUNTY.lower()}-wa?q=PROP12"))
    rows = page.texts("tr")
    assert any(row.startswith("Uniformity (COD) 7.3 5 to 15 yes") for row in rows)
    assert len([found for found in page.attributes("svg") if found["class"] == "chart"]) == 4
    assert any(row.startswith("PROP123 ") for row in rows)
    assert not any(row.startswith("PROP100 ") for row in rows)


async def test_a_model_without_figures_makes_a_county_page_without_charts(console: Console) -> None:
    record = orjson.loads(console.stage.roll.serving[COUNTY])
    for study in ({"n": 12, "cod": 7.0}, {}, {"by_decile": "nonsense"}):
        console.stage.roll.serving[COUNTY] = orjson.dumps({**record, "study": study, "market_index": []})
        page = Page(await console.text(f"/counties/{COUNTY}"))
        assert not page.attributes("svg")
    console.stage.roll.serving[COUNTY] = b'{"version":"odd"}'
    await console.text(f"/counties/{COUNTY}")
    await console.text(f"/jobs/{await console.job('PROP123')}")


async def test_dead_letters_can_be_looked_at_page_by_page(console: Console) -> None:
    page = Page(await console.text("/dead-letters?limit=2"))
    assert [row for row in page.texts("tr") if row.startswith("0:1 Invalid request county_id is missing")]
    older = next(found["href"] for found in page.attributes("a") if "cursor" in found["href"])
    assert [row for row in Page(await console.text(older)).texts("tr") if row.startswith("0:0 ")]
    letter = Page(await console.text("/dead-letters/0:0"))
    assert letter.texts("pre") == ["/w== (base64)"]
    assert [row for row in letter.texts("tr") if row == "error.message county_id is missing"]
    for path in ("/dead-letters/0:9", "/dead-letters/x", "/dead-letters?reason=x"):
        assert (await console.client.get(path)).status in {400, 404}


async def test_files_may_be_kept_for_ever_and_change_their_name(console: Console) -> None:
    page = Page(await console.text("/"))
    sheet = next(found["href"] for found in page.attributes("link") if found["rel"] == "stylesheet")
    answer = await console.client.get(sheet)
    assert (answer.content_type, "immutable" in answer.headers["Cache-Control"]) == ("text/css", True)
    assert (await console.client.get("/console/../settings.py")).status == 404
    assert (await console.client.get("/console/rendering.py")).status == 404


async def test_results_can_be_taken_away_from_every_page_that_lists_jobs(console: Console) -> None:
    await console.job("PROP123")
    batch(console.stage.view, "b/1", 1)
    for path in ("/?status=COMPLETED&county_id=benton", f"/counties/{COUNTY}", "/batches/b%2F1"):
        links = [found["href"] for found in Page(await console.text(path)).attributes("a") if "download" in found]
        assert [link.rpartition("format=")[2] for link in links] == ["csv", "ndjson", "parquet"]
        for link in links:
            answer = await console.client.get(URL(link, encoded=True))
            assert answer.status == 200
            assert answer.headers["Content-Disposition"].startswith("attachment")
            body = await answer.read()
            assert b"PROP123" in body or not link.endswith("csv") or path.startswith("/batches/")


async def test_batches_are_listed_for_one_county_where_that_is_asked_for(console: Console) -> None:
    for name, county in (("b1", COUNTY), ("b2", "KING")):
        await console.stage.view.create_batch(NewBatch(name, "reappraisal", county, 1, 1_795_000_000_000))
    assert [row for row in Page(await console.text("/batches")).texts("tr") if "King" in row]
    page = Page(await console.text("/batches?county_id=benton_wa"))
    assert not [row for row in page.texts("tr") if "King" in row]
    assert [found["value"] for found in page.attributes("option") if "selected" in found] == [COUNTY]
    assert Page(await console.text("/batches?county_id=")).texts("h1") == ["Batches"]


async def test_a_dead_letter_is_published_again_changed_as_the_form_says(console: Console) -> None:
    page = Page(await console.text("/dead-letters/0:1"))
    assert "Replay" in page.texts("button")
    answer = await console.post("/dead-letters/0:1", {"fix": '{"county_id": "BENTON"}'})
    assert (answer.status, answer.headers["Location"]) == (303, "/dead-letters/0%3A1")
    assert console.stage.letters.replayed == {Position(0, 1): {"county_id": "BENTON"}}


async def test_a_change_that_is_no_merge_patch_is_said_and_kept(console: Console) -> None:
    answer = await console.post("/dead-letters/0:1", {"fix": '{"county_id": '})
    page = Page(await answer.text())
    assert answer.status == 422
    assert "no JSON" in " ".join(page.texts("p"))
    assert page.texts("textarea") == ['{"county_id":']
    assert not console.stage.letters.replayed


async def test_ticked_dead_letters_are_published_again_as_they_are(console: Console) -> None:
    page = Page(await console.text("/dead-letters?reason=invalid_request"))
    ticks = [found["name"] for found in page.attributes("input") if found.get("type") == "checkbox"]
    assert ticks == ["letter:0:1", "letter:0:0"]
    answer = await console.post("/dead-letters", dict.fromkeys(ticks, "1"))
    assert answer.status == 200
    assert "2 replayed" in " ".join(Page(await answer.text()).texts("h2"))
    assert console.stage.letters.replayed == {Position(0, 1): None, Position(0, 0): None}
    assert (await console.post("/dead-letters", {})).status == 422
    assert (await console.post("/dead-letters", {"letter:x": "1"})).status == 422


async def test_no_other_site_replays_a_dead_letter(console: Console) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site"}
    for path in ("/dead-letters", "/dead-letters/0:1"):
        answer = await console.client.post(URL(path), data={"letter:0:1": "1"}, headers=foreign)
        assert answer.status == 403
    assert not console.stage.letters.replayed
