"""Records as they appear on the compacted topics."""

import orjson


def property_record(property_id: str = "P1", **values: object) -> tuple[bytes, bytes]:
    body = {"property_id": property_id, "county_id": "BENTON", **values}
    return f"{body['county_id']}/{property_id}".encode(), orjson.dumps(body)


def sale_record(sale_id: str = "S1", **values: object) -> tuple[bytes, bytes]:
    body: dict[str, object] = {
        "sale_id": sale_id,
        "county_id": "BENTON",
        "property_id": "P1",
        "sale_date": "2026-01-31",
        "sale_price": 400_000,
        **values,
    }
    return f"{body['county_id']}/{sale_id}".encode(), orjson.dumps(body)
