import orjson
import pytest

from tests.unit.gateway.conftest import Served

COUNTY = "/api/v1/counties/benton_wa"
PUT = f"{COUNTY}/properties/PROP123"
NDJSON = {"Content-Type": "application/x-ndjson"}


def published(served: Served, topic: str = "property.records") -> dict[str, dict[str, object]]:
    return {record.key.decode(): orjson.loads(record.value or b"") for record in served.kafka.records(topic)}


async def test_a_property_that_was_put_is_published_and_found(served: Served) -> None:
    body = {"living_area_sqft": 2100, "features": {"fireplaces": 1}, "address": None, "unheard_of": [1]}
    answer = await served.client.put(PUT, json=body)
    record = {"property_id": "PROP123", "county_id": "BENTON", "living_area_sqft": 2100, "features": {"fireplaces": 1}}
    assert (answer.status, await answer.json()) == (202, record)
    assert published(served) == {"BENTON/PROP123": record}
    assert await (await served.client.get("/api/v1/counties/Benton County/properties/PROP123")).json() == record


async def test_a_property_id_may_hold_a_slash(served: Served) -> None:
    await served.client.put(f"{COUNTY}/properties/A%2FB", json={})
    assert published(served) == {"BENTON/A/B": {"property_id": "A/B", "county_id": "BENTON"}}
    assert (await served.client.get(f"{COUNTY}/properties/A%2FB")).status == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"living_area_sqft": "2100"}, "/living_area_sqft"),
        ({"living_area_sqft": True}, "/living_area_sqft"),
        ({"living_area_sqft": -1}, "/living_area_sqft"),
        ({"latitude": 91}, "/latitude"),
        ({"address": 5}, "/address"),
        ({"features": {"a": [1]}}, "/features/a"),
        ({"features": []}, "/features"),
        ({"county_id": 5}, "/county_id"),
        ([], ""),
    ],
)
async def test_a_property_that_the_schema_refuses_is_a_422(served: Served, body: object, pointer: str) -> None:
    answer = await served.client.put(PUT, json=body)
    assert answer.status == 422
    assert [error["pointer"] for error in (await answer.json())["errors"]] == [pointer]
    assert not served.kafka.log


async def test_a_body_about_another_property_than_the_path_is_a_conflict(served: Served) -> None:
    for other in ({"property_id": "OTHER"}, {"county_id": "KING"}):
        answer = await served.client.put(PUT, json=other)
        assert (answer.status, (await answer.json())["errors"][0]["pointer"]) == (409, f"/{next(iter(other))}")
    assert not served.kafka.log
    assert (await served.client.put(PUT, json={"property_id": "PROP123", "county_id": "BENTON"})).status == 202


@pytest.mark.parametrize(
    "path", [f"{COUNTY}/properties/{'x' * 129}", f"{COUNTY}/properties/%0A", "/api/v1/counties/--/properties/P"]
)
async def test_a_path_that_names_no_possible_property_is_a_404(served: Served, path: str) -> None:
    assert (await served.client.get(path)).status == 404
    assert (await served.client.put(path, json={})).status == 404
    assert not served.kafka.log


async def test_an_unknown_property_is_a_404_and_while_kafka_is_away_a_503(served: Served) -> None:
    assert (await served.client.get(PUT)).status == 404
    served.roll.reachable = False
    assert (await served.client.get(PUT)).status == 503


async def test_many_properties_are_taken_as_an_array_or_as_lines(served: Served) -> None:
    rows = [{"property_id": f"P{number}", "bedrooms": number} for number in range(600)]
    answer = await served.client.post(f"{COUNTY}/properties", json=rows)
    assert (answer.status, await answer.json()) == (202, {"county_id": "BENTON", "accepted": 600})
    lines = b"\r\n\n".join(orjson.dumps(row | {"bedrooms": 9}) for row in rows[:3]) + b"\n"
    answer = await served.client.post(f"{COUNTY}/properties", data=lines, headers=NDJSON)
    assert (await answer.json())["accepted"] == 3
    assert published(served)["BENTON/P2"]["bedrooms"] == 9
    assert len(published(served)) == 600


async def test_one_bad_row_refuses_them_all_and_every_bad_row_is_named(served: Served) -> None:
    lines = b'{"property_id":"A"}\nnot json\n{"property_id":"B","bedrooms":"3"}\n[]\n{}'
    answer = await served.client.post(f"{COUNTY}/properties", data=lines, headers=NDJSON)
    assert answer.status == 422
    pointers = [error["pointer"] for error in (await answer.json())["errors"]]
    assert pointers == ["/1", "/2/bedrooms", "/3", "/4/property_id"]
    assert not served.kafka.log


@pytest.mark.parametrize(("body", "status"), [(b"[]", 422), (b"{}", 422), (b"[1]", 422), (b"[", 400), (b"", 400)])
async def test_a_bulk_body_must_be_an_array_of_objects(served: Served, body: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    assert (await served.client.post(f"{COUNTY}/sales", data=body, headers=headers)).status == status


async def test_sales_are_published_under_county_and_sale(served: Served) -> None:
    sale = {"sale_id": "S1", "property_id": "P1", "sale_date": "2026-03-14", "sale_price": 455_000, "eligible": True}
    answer = await served.client.post(f"{COUNTY}/sales", json=[sale, sale | {"sale_id": "S2", "bedrooms": 3}])
    assert (answer.status, (await answer.json())["accepted"]) == (202, 2)
    sales = published(served, "property.sales")
    assert sales["BENTON/S1"] == sale | {"county_id": "BENTON"}
    assert sales["BENTON/S2"]["bedrooms"] == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"sale_price": 0},
        {"sale_price": "1"},
        {"sale_date": "14.3.2026"},
        {"sale_date": 20260314},
        {"eligible": 1},
        {"sale_id": ""},
    ],
)
async def test_a_sale_that_the_schema_refuses_is_named(served: Served, wrong: dict[str, object]) -> None:
    sale = {"sale_id": "S1", "property_id": "P1", "sale_date": "2026-03-14", "sale_price": 455_000}
    answer = await served.client.post(f"{COUNTY}/sales", json=[sale, sale | wrong])
    assert answer.status == 422
    assert [error["pointer"] for error in (await answer.json())["errors"]] == [f"/1/{next(iter(wrong))}"]


async def test_properties_are_listed_in_pages_and_searched(served: Served) -> None:
    await served.client.post(f"{COUNTY}/properties", json=[{"property_id": f"P{number}"} for number in range(5)])
    first = await (await served.client.get(f"{COUNTY}/properties?limit=3")).json()
    rest = await (await served.client.get(f"{COUNTY}/properties?limit=3&cursor={first['next']}")).json()
    assert [item["property_id"] for item in first["items"] + rest["items"]] == ["P0", "P1", "P2", "P3", "P4"]
    assert rest["next"] is None
    found = await (await served.client.get(f"{COUNTY}/properties?q=P3")).json()
    assert len(found["items"]) == 1


async def test_counties_are_those_with_properties_or_a_model(served: Served) -> None:
    await served.client.put(PUT, json={})
    model = {"version": "v1", "trained_at": "2026-01-01T00:00:00Z", "uri": "u", "sha256": "0" * 64, "study": {"n": 5}}
    served.roll.serving["KING"] = orjson.dumps(model | {"county_id": "KING"})
    items = (await (await served.client.get("/api/v1/counties")).json())["items"]
    assert items == [
        {"county_id": "BENTON", "properties": 1, "model_version": None},
        {"county_id": "KING", "properties": 0, "model_version": "v1"},
    ]
    assert (await (await served.client.get("/api/v1/counties/king_wa/model")).json())["version"] == "v1"
    assert (await (await served.client.get("/api/v1/counties/king_wa/ratio-study")).json())["study"] == {"n": 5}
    assert (await served.client.get(f"{COUNTY}/model")).status == 404
    assert (await served.client.get(f"{COUNTY}/ratio-study")).status == 404
