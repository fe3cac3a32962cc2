"""The counties' rolls: properties, sales, models."""

from typing import Final

from producer import models
from producer.openapi import examples, parameters
from producer.operations.shared import BODY_ERRORS, COUNTY, many
from producer.routes import counties, properties
from producer.routes.table import Answer, Content, Operation
from schemas.records import ModelRecord, PropertyRecord

_BULK: Final = (
    "At most 16 MiB and 50,000 objects, as a JSON array or, with `application/x-ndjson`, one a line. "
    "All are checked before any is published; a refusal names each fault by the place of its object."
)

ROLLS: Final = (
    Operation(
        "GET",
        f"{COUNTY}/properties",
        "listProperties",
        "Properties of a county, by id",
        "rolls",
        properties.list_properties,
        (Answer(200, "One page.", (Content(models.PropertyList, examples.PROPERTY_PAGE),)),),
        parameters=(parameters.COUNTY, parameters.SEARCH, parameters.LIMIT, parameters.AFTER),
        errors=(400, 404, 503),
    ),
    Operation(
        "POST",
        f"{COUNTY}/properties",
        "postProperties",
        "Put many properties on the roll",
        "rolls",
        properties.post_properties,
        (Answer(202, "Accepted: Kafka holds all of them.", (Content(models.BulkAccepted, examples.BULK),)),),
        _BULK,
        (parameters.COUNTY,),
        many(models.PropertyRow, examples.PROPERTY_ROW),
        (404, *BODY_ERRORS),
    ),
    Operation(
        "GET",
        f"{COUNTY}/properties/{{property_id}}",
        "getProperty",
        "One property",
        "rolls",
        properties.get_property,
        (Answer(200, "The property.", (Content(PropertyRecord, examples.PROPERTY),)),),
        parameters=(parameters.COUNTY, parameters.PROPERTY),
        errors=(404, 503),
    ),
    Operation(
        "PUT",
        f"{COUNTY}/properties/{{property_id}}",
        "putProperty",
        "Put one property on the roll",
        "rolls",
        properties.put_property,
        (Answer(202, "Accepted: Kafka holds it.", (Content(PropertyRecord, examples.PROPERTY),)),),
        "A request for the property that follows finds it.",
        (parameters.COUNTY, parameters.PROPERTY),
        (Content(models.PropertyBody, examples.PROPERTY_BODY),),
        (404, 409, *BODY_ERRORS),
    ),
    Operation(
        "POST",
        f"{COUNTY}/sales",
        "postSales",
        "Add many sales",
        "rolls",
        properties.post_sales,
        (Answer(202, "Accepted: Kafka holds all of them.", (Content(models.BulkAccepted, examples.BULK),)),),
        _BULK,
        (parameters.COUNTY,),
        many(models.SaleRow, examples.SALE),
        (404, *BODY_ERRORS),
    ),
    Operation(
        "GET",
        "/api/v1/counties",
        "listCounties",
        "Counties with properties or a model",
        "rolls",
        counties.counties,
        (Answer(200, "All of them.", (Content(models.CountyList, examples.COUNTIES),)),),
        errors=(503,),
    ),
    Operation(
        "GET",
        f"{COUNTY}/model",
        "getModel",
        "The model that serves a county",
        "rolls",
        counties.model,
        (Answer(200, "The model.", (Content(ModelRecord, examples.MODEL),)),),
        parameters=(parameters.COUNTY,),
        errors=(404, 503),
    ),
    Operation(
        "GET",
        f"{COUNTY}/ratio-study",
        "getRatioStudy",
        "The ratio study of the model that serves a county",
        "rolls",
        counties.ratio_study,
        (Answer(200, "The study.", (Content(models.Study, examples.RATIO_STUDY),)),),
        parameters=(parameters.COUNTY,),
        errors=(404, 503),
    ),
)
