"""Forms do what the interface would do, and only for our own pages."""

import orjson
import pytest
from multidict import CIMultiDict

from tests.console.stage import COUNTY, batch
from tests.unit.console.conftest import OWN_PAGE, Console
from tests.unit.console.pages import Page

ASKED = {"county_id": COUNTY, "property_id": "PROP123"}


async def test_the_form_publishes_a_request_and_leads_to_its_report(console: Console) -> None:
    fields = {
        **ASKED,
        "valuation_date": "2026-01-01",
        "valuation_method_hint": "cost",
        "c.living_area_sqft": "2,400",
        "c.heating": "7",
        "c.condition": "",
        "c.sauna": "yes",
    }
    answer = await console.post("/submit", fields)
    (job_id,) = console.stage.view.pending
    assert (answer.status, answer.headers["Location"]) == (303, f"/jobs/{job_id}")
    request = orjson.loads(console.stage.kafka.records("valuation.requests")[-1].value or b"")
    assert request["valuation_date"] == "2026-01-01"
    assert request["valuation_method_hint"] == "cost"
    assert request["characteristics"] == {"living_area_sqft": 2400.0, "heating": "7", "sauna": "yes"}


@pytest.mark.parametrize(
    ("changed", "label"),
    [
        ({"property_id": " "}, "Property"),
        ({"county_id": "--"}, "County"),
        ({"valuation_date": "tomorrow"}, "Valuation date"),
        ({"c.living_area_sqft": "nan", "c.year_built": "inf"}, ""),
        ({"property_id": "x" * 200}, "Property"),
    ],
)
async def test_a_form_with_faults_comes_back_with_what_was_typed(
    console: Console, changed: dict[str, str], label: str
) -> None:
    fields = {**ASKED, **changed}
    answer = await console.post("/submit", fields)
    if label:
        assert answer.status == 422
        page = Page(await answer.text())
        assert any(text.startswith(f"{label}:") for text in page.texts("li"))
        typed = [found.get("value") for found in page.attributes("input")]
        assert all(value in typed or name == "county_id" for name, value in changed.items())
        assert not console.stage.view.pending
    else:
        assert answer.status in {303, 422}


async def test_a_form_while_kafka_is_away_comes_back_and_says_so(console: Console) -> None:
    console.stage.kafka.hanging = True
    answer = await console.post("/submit", ASKED)
    assert answer.status == 503
    assert "PROP123" in await answer.text()
    console.stage.kafka.come_back()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
@pytest.mark.parametrize("path", ["/submit", f"/counties/{COUNTY}/reappraise", "/batches/b/cancel", "/sign-out"])
async def test_forms_of_other_sites_are_refused(console: Console, path: str, headers: dict[str, str]) -> None:
    batch(console.stage.view, "b", 10)
    answer = await console.client.post(path, data=ASKED, headers=headers, allow_redirects=False)
    assert answer.status == 403
    assert not console.stage.view.pending
    assert not console.stage.view.cancelled


async def test_a_browser_without_fetch_metadata_is_known_by_its_origin(console: Console) -> None:
    host = CIMultiDict((await console.client.get("/")).request_info.headers)["Host"]
    headers = {"Origin": f"http://{host}"}
    answer = await console.client.post("/submit", data=ASKED, headers=headers, allow_redirects=False)
    assert answer.status == 303


async def test_what_is_no_form_or_too_large_is_refused(console: Console) -> None:
    answer = await console.client.post("/submit", json=ASKED, headers=OWN_PAGE)
    assert (answer.status, answer.content_type) == (422, "text/html")
    large = await console.client.post("/submit", data={**ASKED, "c.x": "y" * 300_000}, headers=OWN_PAGE)
    assert large.status == 413


async def test_a_reappraisal_leads_to_its_batch(console: Console) -> None:
    answer = await console.post(f"/counties/{COUNTY}/reappraise", {"neighborhood": "Prosser", "year_built_min": "1990"})
    assert answer.status == 303
    page = Page(await console.text(answer.headers["Location"]))
    assert page.texts("h1") == ["Reappraisal of Benton County"]
    assert page.attributes("progress")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"neighborhood": "Atlantis"}, "No property meets these conditions."),
        ({"year_built_min": "old"}, "number"),
        ({"valuation_date": "x"}, "date"),
    ],
)
async def test_a_reappraisal_that_cannot_be_is_explained(console: Console, fields: dict[str, str], says: str) -> None:
    answer = await console.post(f"/counties/{COUNTY}/reappraise", fields)
    assert answer.status == 422
    assert says in " ".join(Page(await answer.text()).texts("li"))


async def test_a_batch_shows_where_it_stands_and_can_be_cancelled(console: Console) -> None:
    batch(console.stage.view, "b/ü", 10)
    page = Page(await console.text("/batches/b%2F%C3%BC"))
    assert page.attributes("main")[0]["data-poll"] == "1"
    assert "Cancel the rest" in page.texts("button")
    place = next(found["action"] for found in page.attributes("form") if "cancel" in found["action"])
    answer = await console.post(place, {"x": ""})
    assert (answer.status, answer.headers["Location"]) == (303, "/batches/b%2F%C3%BC")
    after = Page(await console.text("/batches/b%2F%C3%BC"))
    assert "data-poll" not in after.attributes("main")[0]
    assert "Cancelled" in " ".join(after.texts("span"))
    assert "b/ü" in " ".join(Page(await console.text("/batches")).texts("tr"))
