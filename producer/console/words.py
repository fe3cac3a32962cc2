"""Names and codes of the system in words that a property owner reads: features, flags, methods, failures, states."""

from typing import Final

FEATURES: Final = {
    "living_area_sqft": "Living area (sq ft)",
    "lot_size_sqft": "Lot size (sq ft)",
    "basement_sqft": "Basement (sq ft)",
    "garage_sqft": "Garage (sq ft)",
    "year_built": "Year built",
    "year_renovated": "Year renovated",
    "bedrooms": "Bedrooms",
    "bathrooms": "Bathrooms",
    "stories": "Stories",
    "quality": "Construction quality (grade)",
    "condition": "Condition (grade)",
    "view": "View (grade)",
    "waterfront": "Waterfront",
    "assessed_value": "Assessed value on the roll",
    "address": "Address",
    "neighborhood": "Neighborhood",
    "property_class": "Property class",
    "latitude": "Latitude",
    "longitude": "Longitude",
    "location": "Location",
    "nearby_sales": "Price level of nearby sales ($/sq ft)",
    "other": "All other differences",
}
METHODS: Final = {
    "reconciled": "Reconciled value",
    "model": "Market model",
    "sales_comparison": "Sales comparison",
    "cost": "Cost (land and depreciated building)",
    "hedonic": "Market model",
}
FAILURES: Final = {
    "property_not_found": "Property not on the roll",
    "simulated_processing_error": "Simulated failure",
    "processing_exception": "Processing error",
    "job_not_found_in_bg": "Job lost",
    "invalid_request": "Invalid request",
    "insufficient_data": "Not enough data",
    "cancelled": "Cancelled",
}
STATES: Final = {
    "PENDING": "Queued",
    "RUNNING": "Running",
    "COMPLETED": "Completed",
    "FAILED": "Failed",
    "PUBLISHING": "Publishing",
    "CANCELLED": "Cancelled",
}
KINDS: Final = {"batch": "Batch", "reappraisal": "Reappraisal"}
_FLAGS: Final = {
    "review_recommended": "The value is uncertain; an appraiser should review it.",
    "few_comparables": "Few comparable sales were found.",
    "few_sales": "Few sales are known in this county.",
    "market_index_extrapolated": "The valuation date is outside the months with sales: the market level is estimated.",
    "method_hint_not_available": "The method asked for could not be applied; another one is reported.",
    "second_opinion_differs": "An independent check gave a clearly different value.",
    "model_older_than_90_days": "The model has seen no sales of the last 90 days before the valuation date.",
    "living_area_unknown": "The living area is not known; the value is much less certain.",
    "location_unknown": "The location is not known; the value is less certain.",
    "outside_market_area": "The property lies outside the area in which sales are known.",
}
_FLAGS_OF: Final = {
    "implausible": "The record's “{feature}” is implausible and was not used.",
    "outside_sales_range": "“{feature}” lies beyond that of any sale known; the value is less certain.",
    "not_among_sales": "“{feature}” is one that no known sale has.",
}
_HIGH: Final = 0.9
_REVIEW: Final = 0.75


def feature(name: str) -> str:
    """Return what a characteristic is called; a county's own name is made readable."""
    known = FEATURES.get(name)
    if known is not None:
        return known
    text = " ".join(name.replace("_", " ").split())
    return text[:1].upper() + text[1:] if text else name


def flag(code: str) -> str:
    """Return what a flag means, in a sentence; one that is not known is shown as it is."""
    if code in _FLAGS:
        return _FLAGS[code]
    kind, _, about = code.partition(":")
    sentence = _FLAGS_OF.get(kind)
    return code if sentence is None else sentence.format(feature=feature(about))


def method(code: str) -> str:
    """Return what a method is called."""
    return METHODS.get(code) or feature(code)


def failure(code: str | None) -> str:
    """Return what a failure reason is called."""
    return "" if code is None else FAILURES.get(code, code)


def state(code: str) -> str:
    """Return what a job's status or a batch's state is called."""
    return STATES.get(code, code)


def county(county_id: str | None) -> str:
    """Return a county's name: ``Benton`` for ``BENTON``."""
    return "Several" if county_id is None else county_id.replace("_", " ").title()


def confidence(score: float) -> str:
    """Return how sure a value is, in a word."""
    return "high" if score >= _HIGH else "medium" if score >= _REVIEW else "low"
