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

PROPERTY_BODY: Final[dict[str, Any]] = {
    name: value for name, value in PROPERTY.items() if name not in {"property_id", "county_id"}
}
PROPERTY_ROW: Final[dict[str, Any]] = PROPERTY_BODY | {"property_id": "PROP123"}

SALE: Final[dict[str, Any]] = {
    "sale_id": "2026-000123",
    "property_id": "PROP123",
    "sale_date": "2026-03-14",
    "sale_price": 455000,
    "eligible": True,
}


def _example(status: int, title: str, detail: str, errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, "errors": errors or []}


PROBLEMS: Final[dict[int, dict[str, Any]]] = {
    400: _example(400, "Malformed request", "The body is not JSON.", [{"pointer": "", "message": "unexpected end"}]),
    401: _example(401, "Unauthenticated", "This needs an API key."),
    403: _example(403, "Forbidden", "The key 1f0c9d2ab37e does not hold the scope submit."),
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
    429: _example(429, "Too many requests", "The key 1f0c9d2ab37e may make 600 requests a minute."),
    503: _example(503, "Kafka unavailable", "Kafka did not acknowledge in time."),
}

VALUATION: Final[dict[str, Any]] = {
    "estimated_value": 452300.0,
    "unrounded_value": 452317.42,
    "value_low": 401200.0,
    "value_high": 509900.0,
    "interval_level": 0.9,
    "confidence_score": 0.82,
    "fsd": 0.072,
    "valuation_method_used": "sales_comparison",
    "valuation_date": "2026-01-01",
    "comparables_used": ["2025-000871"],
    "comparables": [
        {
            "sale_id": "2025-000871",
            "property_id": "PROP871",
            "document_number": None,
            "sale_date": "2025-09-12",
            "sale_price": 438000.0,
            "time_adjustment": 5100.0,
            "adjustments": [{"feature": "living_area_sqft", "amount": 9217.42}],
            "adjusted_price": 452317.42,
            "distance": 0.31,
            "weight": 1.0,
        }
    ],
    "base_value": 431000.0,
    "contributions": [{"feature": "living_area_sqft", "value": 2150.0, "dollars": 21317.42}],
    "local_correction": 0.0,
    "approaches": {"sales_comparison": {"value": 452317.42, "weight": 1.0, "evidence": "1 comparable sale"}},
    "land_value": None,
    "improvement_value": None,
    "market_index": {"month": "2026-01", "level": 1.08, "extrapolated": False},
    "model_version": "BENTON-2026-01",
    "inputs_hash": "5f2c",
    "inputs_imputed": [],
    "flags": [],
    "notice": "An estimate for mass appraisal; not an appraisal of a single property.",
}

COMPLETED_JOB: Final[dict[str, Any]] = JOB | {
    "status": "COMPLETED",
    "message": "Valuation completed successfully.",
    "updated_at": "2026-11-23T09:00:00.081Z",
    "started_at": "2026-11-23T09:00:00.034Z",
    "completed_at": "2026-11-23T09:00:00.081Z",
    "result": VALUATION,
}

BATCH: Final[dict[str, Any]] = {
    "batch_id": "01936b70-0d1e-7c55-a1f0-3a1b2c3d4e5f",
    "county_id": "BENTON",
    "kind": "batch",
    "state": "RUNNING",
    "total": 1000,
    "published": 1000,
    "completed": 412,
    "failed": 3,
    "failed_by_reason": {"property_not_found": 3},
    "progress": 41.5,
    "rate": 830.0,
    "eta_seconds": 0.7,
    "created_at": "2026-11-23T09:00:00.000Z",
    "updated_at": "2026-11-23T09:00:00.500Z",
}

JOB_PAGE: Final[dict[str, Any]] = {"items": [JOB], "next": None}
BATCH_PAGE: Final[dict[str, Any]] = {"items": [BATCH], "next": None}
PROPERTY_PAGE: Final[dict[str, Any]] = {"items": [PROPERTY], "next": "PROP123"}
BULK: Final[dict[str, Any]] = {"county_id": "BENTON", "accepted": 2}
COUNTIES: Final[dict[str, Any]] = {
    "items": [{"county_id": "BENTON", "properties": 5000, "model_version": "BENTON-2026-01"}]
}
STUDY: Final[dict[str, Any]] = {"n": 412, "median_ratio": 0.998, "cod": 7.9, "prd": 1.01, "prb": -0.012}
MODEL: Final[dict[str, Any]] = {
    "county_id": "BENTON",
    "version": "BENTON-2026-01",
    "uri": "models/BENTON-2026-01.tar",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "trained_at": "2026-01-02T03:04:05.000Z",
    "study": STUDY,
}
RATIO_STUDY: Final[dict[str, Any]] = {name: MODEL[name] for name in ("county_id", "version", "trained_at", "study")}
ALIVE: Final[dict[str, Any]] = {"status": "alive"}
READY: Final[dict[str, Any]] = {"status": "ready", "view_lag": 0}
EVENTS: Final = 'retry: 2000\nid: AQID\n\nid: AQIE\ndata: {"job_id": "01936b6f-3c5a-7b1e-9d2e-0c1d3b6c7a10", …}\n\n'
