"""Records of the compacted topics: what the county knows of a property, a sale, and the model that serves it."""

from datetime import date
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictStr

from schemas.counties import normalise_county
from schemas.printable import UNPRINTABLE, is_printable

NUMERIC_FIELDS: Final = (
    "latitude",
    "longitude",
    "living_area_sqft",
    "lot_size_sqft",
    "basement_sqft",
    "garage_sqft",
    "year_built",
    "year_renovated",
    "bedrooms",
    "bathrooms",
    "stories",
    "quality",
    "condition",
    "view",
    "waterfront",
    "assessed_value",
)
"""Standard characteristics that are numbers; a county that grades in words uses a feature of its own instead."""

TEXT_FIELDS: Final = ("address", "neighborhood", "property_class")
"""Standard characteristics that are text."""

_MAX_PROPERTY_ID: Final = 128
_MAX_COUNTY_ID: Final = 64
PRINTABLE: Final[dict[str, Any]] = {"not": {"pattern": UNPRINTABLE}}
"""What JSON Schema says of printable text."""

NAMING: Final[dict[str, Any]] = {"pattern": r"[^ -/:-@\[-`{-~]", **PRINTABLE}
"""What it says of a county: something other than punctuation is needed to name one by."""


def _printable(text: str) -> str:
    if not is_printable(text):
        raise ValueError("only printable characters are allowed")
    return text


def _number(value: object) -> object:
    if isinstance(value, bool | str):
        raise ValueError("a number is needed, not text or a truth value")  # noqa: TRY004 - pydantic wants ValueError
    return value


PropertyId = Annotated[
    StrictStr,
    Field(min_length=1, max_length=_MAX_PROPERTY_ID, json_schema_extra=PRINTABLE),
    AfterValidator(_printable),
]
"""The county's own parcel number: text, 1-128 printable characters, compared exactly."""

CountyId = Annotated[
    StrictStr,
    Field(min_length=1, max_length=_MAX_COUNTY_ID, json_schema_extra=NAMING),
    AfterValidator(_printable),
    AfterValidator(normalise_county),
]
"""A county, 1-64 printable characters, brought to its normal form."""

Number = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_number)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False), BeforeValidator(_number)]
_Price = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_number)]
_Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False), BeforeValidator(_number)]
_Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False), BeforeValidator(_number)]
Characteristic = Annotated[StrictStr, Field(max_length=1024)] | Number | None
"""One characteristic: a number, a text, or null for "unknown"."""


class Record(BaseModel):
    """Base of the records: unknown members are ignored, so that older readers survive newer writers."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Characteristics(Record):
    """What is known of a building and its land; everything may be absent or null."""

    latitude: _Latitude | None = Field(None, description="degrees north, WGS 84")
    longitude: _Longitude | None = Field(None, description="degrees east, WGS 84")
    address: Annotated[StrictStr, Field(max_length=512)] | None = None
    neighborhood: Annotated[StrictStr, Field(max_length=256)] | None = None
    property_class: Annotated[StrictStr, Field(max_length=256)] | None = None
    living_area_sqft: Amount | None = None
    lot_size_sqft: Amount | None = None
    basement_sqft: Amount | None = None
    garage_sqft: Amount | None = None
    year_built: Number | None = None
    year_renovated: Number | None = None
    bedrooms: Amount | None = None
    bathrooms: Amount | None = None
    stories: Amount | None = None
    quality: Number | None = None
    condition: Number | None = None
    view: Number | None = None
    waterfront: Number | None = None
    assessed_value: Amount | None = None
    features: dict[Annotated[str, Field(min_length=1, max_length=128)], Characteristic] = Field(
        default_factory=dict, max_length=512, description="further characteristics under the county's own names"
    )

    def flat(self) -> dict[str, Any]:
        """Return every known characteristic under its own name, features included."""
        known = self.model_dump(include={*NUMERIC_FIELDS, *TEXT_FIELDS}, exclude_none=True)
        return known | {name: value for name, value in self.features.items() if value is not None}


class PropertyRecord(Characteristics):
    """One property on the roll (topic ``property.records``)."""

    property_id: PropertyId
    county_id: CountyId


class SaleRecord(Characteristics):
    """One sale (topic ``property.sales``), with the characteristics as of the sale where they are known."""

    sale_id: PropertyId
    property_id: PropertyId
    county_id: CountyId
    sale_date: date
    sale_price: _Price = Field(description="dollars")
    document_number: Annotated[StrictStr, Field(max_length=128)] | None = None
    month_precision: StrictBool = Field(
        default=False, description="only the month of the sale is known; sale_date is its first day"
    )
    eligible: StrictBool | None = Field(
        None, description="whether the county holds the sale for an arm's-length one; null: not said"
    )
    ineligible_reason: Annotated[StrictStr, Field(max_length=256)] | None = None


class MonthLevel(Record):
    """The price level of one month, 1 in the first month of the index."""

    month: Annotated[StrictStr, Field(pattern=r"^\d{4}-\d{2}$")]
    level: _Price


class ModelRecord(Record):
    """The model that serves a county (topic ``valuation.models``)."""

    county_id: CountyId
    version: StrictStr
    uri: StrictStr
    sha256: Annotated[StrictStr, Field(pattern="^[0-9a-f]{64}$")]
    trained_at: StrictStr
    study: dict[str, Any] = Field(
        default_factory=dict,
        description="forward ratio study: statistics, and by_decile, by_month, by_neighborhood, histogram for charts",
    )
    market_index: list[MonthLevel] = Field(default_factory=list, description="price level by month, before correction")


def record_key(county_id: str, own_id: str) -> bytes:
    """Return the Kafka key of a property or sale record: ``COUNTY/id`` in UTF-8."""
    return f"{county_id}/{own_id}".encode()
