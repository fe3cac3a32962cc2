from pathlib import Path

import orjson
from jsonschema import Draft202012Validator

from schemas import documents
from schemas.events import RequestEvent
from schemas.topics import topics


def test_the_committed_documents_are_current() -> None:
    assert documents.stale() == []


def test_a_changed_or_stray_document_is_noticed(tmp_path: Path) -> None:
    for name, content in documents.documents():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "Job.schema.json").write_bytes(b"{}")
    (tmp_path / "Stray.json").write_bytes(b"{}")
    assert documents.stale(tmp_path) == ["Job.schema.json", "Stray.json"]


def test_every_schema_is_a_valid_schema() -> None:
    for name, content in documents.documents():
        if name.endswith(".schema.json"):
            Draft202012Validator.check_schema(orjson.loads(content))


def test_the_schema_of_a_request_accepts_the_smallest_one_and_refuses_a_number_for_an_id() -> None:
    validator = Draft202012Validator(documents.json_schema(RequestEvent))
    assert validator.is_valid({"property_id": "PROP123", "county_id": "BENTON"})
    assert not validator.is_valid({"property_id": 123, "county_id": "BENTON"})


def test_asyncapi_names_every_topic_with_its_partitions_and_every_reference_resolves() -> None:
    document = documents.asyncapi()
    assert {name: channel["bindings"]["kafka"]["partitions"] for name, channel in document["channels"].items()} == {
        topic.name: topic.partitions for topic in topics()
    }
    references = [part.split('"')[0] for part in orjson.dumps(document).decode().split('"$ref":"')[1:]]
    for reference in references:
        node = document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step.replace("~1", "/")]
