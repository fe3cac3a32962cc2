"""Examples of the OpenAPI document; a test proves that each fits its schema."""

from typing import Any, Final

JOB_ID: Final = "01936b6f-3c5a-7b1e-9d2e-0c1d3b6c7a10"

REQUEST: Final[dict[str, Any]] = {
    "property_id": "PROP123",
    "county_id": "BENTON",
    "valuation_date": "2026-01-01",
    "characteristics": {"living_area_sqft": 2150},
}

JOB: Final[dict[str, Any]] = {
    "job_id": JOB_ID,
    "property_id": "PROP123",
    "county_id": "BENTON",
    "status": "PENDING",
    "message": "Valuation job accepted and queued.",
    "created_at": "2026-11-23T09:00:00.000Z",
    "updated_at": "2026-11-23T09:00:00.000Z",
    "started_at": None,
    "completed_at": None,
    "failure_reason": None,
    "batch_id": None,
    "valuation_method_hint": None,
}

PROPERTY: Final[dict[str, Any]] = {
    "property_id": "PROP123",
    "county_id": "BENTON",
    "living_area_sqft": 2100,
    "lot_size_sqft": 8400,
    "year_built": 1994,
    "bedrooms": 4,
    "bathrooms": 2.5,
    "quality": 4,
    "neighborhood": "NORTH RIDGE",
    "features": {"fireplaces": 1},
}

SALE: Final[dict[str, Any]] = {
    "sale_id": "2026-000123",
    "property_id": "PROP123",
    "county_id": "BENTON",
    "sale_date": "2026-03-14",
    "sale_price": 455000,
    "eligible": True,
}


def _example(status: int, title: str, detail: str, errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, "errors": errors or []}


PROBLEMS: Final[dict[int, dict[str, Any]]] = {
    400: _example(400, "Malformed request", "The body is not JSON.", [{"pointer": "", "message": "unexpected end"}]),
    404: _example(404, "Not found", f"There is no job {JOB_ID}."),
    405: _example(405, "Method not allowed", "Allowed here: GET, HEAD, OPTIONS."),
    408: _example(408, "Request timeout", "The body did not arrive within 20 seconds."),
    409: _example(409, "Conflict", "This job_id stands for another request."),
    413: _example(413, "Content too large", "The body is larger than 65536 bytes."),
    415: _example(415, "Unsupported media type", "The body must be application/json."),
    422: _example(
        422,
        "Invalid request",
        "The request is not what the schema asks for.",
        [{"pointer": "/property_id", "message": "Field required"}],
    ),
    503: _example(503, "Kafka unavailable", "Kafka did not acknowledge in time."),
}
