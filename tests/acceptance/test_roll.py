"""The roll follows what is put: a property put now is valued now, a changed one at its change, a deleted one never."""

from tests.acceptance.client import Client, new_id
from tests.waiting import came_true

_HOUSE = {
    "latitude": 46.21,
    "longitude": -119.17,
    "neighborhood": "Queensgate",
    "property_class": "Single Family",
    "living_area_sqft": 1900,
    "lot_size_sqft": 8000,
    "year_built": 1995,
    "bedrooms": 3,
    "bathrooms": 2,
    "stories": 1,
    "quality": 5,
    "condition": 3,
}


def _put(client: Client, property_id: str, county: str = "benton_wa", **changes: object) -> None:
    answer = client.call("PUT", f"/api/v1/counties/{county}/properties/{property_id}", _HOUSE | changes)
    assert answer.status == 202, answer.body


def test_a_property_put_now_is_found_now(client: Client) -> None:
    for _ in range(10):
        property_id = f"NEW-{new_id()}"
        _put(client, property_id)
        job = client.value(property_id)
        assert job["status"] == "COMPLETED", job["message"]


def test_a_changed_property_is_valued_as_it_is_now(client: Client) -> None:
    property_id = f"NEW-{new_id()}"
    _put(client, property_id)
    small = client.value(property_id)["result"]["estimated_value"]
    _put(client, property_id, living_area_sqft=3200)
    assert client.value(property_id)["result"]["estimated_value"] > small


def test_a_put_property_is_given_back(client: Client) -> None:
    property_id = f"NEW-{new_id()}"
    _put(client, property_id)
    answer = client.get(f"/api/v1/counties/BENTON/properties/{property_id}")
    assert answer.status == 200, answer.body
    assert answer.json()["living_area_sqft"] == 1900
    assert client.get("/api/v1/counties/BENTON/properties/NOBODY-PUT-THIS").status == 404


def test_what_is_no_property_is_refused(client: Client) -> None:
    path = f"/api/v1/counties/BENTON/properties/NEW-{new_id()}"
    assert client.call("PUT", path, _HOUSE | {"living_area_sqft": "big"}).status == 422
    assert client.call("PUT", path, b"{").status == 400


def test_a_what_if_changes_the_value_and_not_the_roll(client: Client) -> None:
    plain = client.value("PROP123", valuation_date="2026-01-01")["result"]
    larger = client.value("PROP123", valuation_date="2026-01-01", characteristics={"living_area_sqft": 4000})["result"]
    again = client.value("PROP123", valuation_date="2026-01-01")["result"]
    assert larger["estimated_value"] > plain["estimated_value"]
    assert again == plain


def test_new_sales_come_into_use_and_every_result_names_its_model(client: Client) -> None:
    county = f"VILLAGE_{new_id()[:8].upper()}"
    _put(client, "HOUSE", county)
    assert client.value("HOUSE", county)["failure_reason"] == "insufficient_data"
    _sell(client, county, first=0, count=40, price=300_000)
    assert came_true(lambda: client.value("HOUSE", county)["status"] == "COMPLETED", 60)
    cheap = client.value("HOUSE", county)["result"]
    _sell(client, county, first=40, count=120, price=600_000)
    assert came_true(lambda: _version(client, county) != cheap["model_version"], 60)
    assert client.value("HOUSE", county)["result"]["estimated_value"] > cheap["estimated_value"]


def _version(client: Client, county: str) -> str:
    return str(client.value("HOUSE", county)["result"]["model_version"])


def _sell(client: Client, county: str, *, first: int, count: int, price: int) -> None:
    """Post sales of houses like the one, one a day and each a little larger and dearer than the one before."""
    sales = [
        {key: value for key, value in _HOUSE.items() if key != "living_area_sqft"}
        | {"sale_id": f"S{n}", "property_id": f"P{n}", "living_area_sqft": 1500 + 10 * (n % 80)}
        | {"sale_date": f"2026-{1 + n % 9:02d}-{1 + n % 28:02d}", "sale_price": price + 1000 * (n % 80)}
        for n in range(first, first + count)
    ]
    answer = client.call("POST", f"/api/v1/counties/{county}/sales", sales)
    assert answer.status == 202, answer.body
