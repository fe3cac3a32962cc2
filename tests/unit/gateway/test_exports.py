import csv
from io import BytesIO, StringIO
from typing import Any
from uuid import UUID

import orjson
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.client import GatewayClient, RequestRefused
from producer.export.columns import COLUMNS
from producer.export.formats import Format, writer
from producer.store.errors import StoreUnavailable
from tests.unit.gateway.conftest import RUN, Served

RESULTS, BATCH, BATCHES = (f"/api/v1/valuation/{each}" for each in ("results", "batch", "batches"))
VALUE = {"estimated_value": 412300, "fsd": 0.1, "comparables_used": ["S1", "S2"], "contributions": [{"feature": "x"}]}
TYPES = {"ndjson": "application/x-ndjson", "csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


def job(property_id: str = "P", **more: object) -> dict[str, Any]:
    plain = {"job_id": "j", "property_id": property_id, "county_id": "BENTON", "status": "COMPLETED"}
    return {**plain, "created_at": "2026-01-01T00:00:00.007Z", "result": VALUE, **more}


def written(kind: Format, *pages: list[dict[str, Any]]) -> bytes:
    made = writer(kind)
    return b"".join([*(made.page(orjson.dumps(page)) for page in pages), made.end()])


def table(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(data.decode(), newline="")))


def test_lines_hold_every_job_with_all_of_its_result() -> None:
    jobs = [job("A"), job("B", result=None), job("C")]
    assert [orjson.loads(line) for line in written(Format.NDJSON, jobs[:2], jobs[2:]).splitlines()] == jobs


def test_a_table_has_one_header_and_a_line_for_each_job() -> None:
    rows = table(written(Format.CSV, [job("A")], [job("B", result=None, status="FAILED")]))
    assert list(rows[0]) == list(COLUMNS)
    assert [(row["property_id"], row["estimated_value"], row["fsd"]) for row in rows] == [
        ("A", "412300", "0.1"),
        ("B", "", ""),
    ]
    assert rows[0]["comparables_used"] == "S1 S2"


@pytest.mark.parametrize("text", ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\tx", "\r=1"])
def test_no_cell_begins_a_formula(text: str) -> None:
    (row,) = table(written(Format.CSV, [job(text, message=text)]))
    assert (row["property_id"], row["message"]) == (f"'{text}", f"'{text}")


@given(st.lists(st.text(st.characters(blacklist_categories=["Cs"]), max_size=20), min_size=1, max_size=5))
def test_whatever_a_cell_holds_the_table_keeps_its_shape(texts: list[str]) -> None:
    rows = table(written(Format.CSV, [job(text) for text in texts]))
    assert [row["property_id"].removeprefix("'") for row in rows] == [text.removeprefix("'") for text in texts]
    assert {row["county_id"] for row in rows} == {"BENTON"}


def test_negative_numbers_stay_numbers() -> None:
    (row,) = table(written(Format.CSV, [job(result={"base_value": -5.5})]))
    assert row["base_value"] == "-5.5"


def test_parquet_has_types_and_a_row_group_for_each_page() -> None:
    file = pq.ParquetFile(BytesIO(written(Format.PARQUET, [job("A"), job("=B")], [job("C", result=None)], [])))
    assert file.schema_arrow.names == list(COLUMNS)
    rows = file.read().to_pylist()
    assert [(row["property_id"], row["estimated_value"]) for row in rows] == [
        ("A", 412300),
        ("=B", 412300),
        ("C", None),
    ]
    assert rows[0]["created_at"].isoformat() == "2026-01-01T00:00:00.007000+00:00"


@pytest.mark.parametrize("kind", list(Format))
async def test_the_results_of_a_batch_come_in_the_format_that_is_asked_for(served: Served, kind: Format) -> None:
    rows = [{"property_id": f"P{number}", "county_id": "BENTON"} for number in range(5)]
    batch = await (await served.client.post(BATCH, json=rows)).json()
    path = f"{BATCHES}/{batch['batch_id']}/results"
    by_query = await served.client.get(path, params={"format": kind.value})
    by_header = await served.client.get(path, headers={"Accept": f"text/plain, {TYPES[kind]};q=0.9"})
    for answer in (by_query, by_header):
        assert (answer.status, answer.content_type) == (200, TYPES[kind])
        assert answer.headers["Content-Disposition"] == f'attachment; filename="valuations.{kind.value}"'
    data = await by_query.read()
    assert data == await by_header.read() or kind is Format.PARQUET
    if kind is Format.PARQUET:
        assert pq.ParquetFile(BytesIO(data)).metadata.num_rows == 5
    assert served.view.filters[-1].batch_id == batch["batch_id"]


async def test_lines_are_what_comes_where_nothing_is_asked_for(served: Served) -> None:
    job_id = (await (await served.client.post(RUN, json={"property_id": "P", "county_id": "B"})).json())["job_id"]
    served.view.finish(UUID(job_id), VALUE)
    answer = await served.client.get(RESULTS, params={"county_id": "b", "status": "COMPLETED"})
    assert answer.content_type == "application/x-ndjson"
    assert [orjson.loads(line)["job_id"] for line in (await answer.read()).splitlines()] == [job_id]
    assert (served.view.filters[-1].county_id, served.view.filters[-1].limit) == ("B", 1000)


async def test_what_cannot_be_exported_is_refused(served: Served) -> None:
    assert (await served.client.get(f"{BATCHES}/nothing/results")).status == 404
    assert (await served.client.get(RESULTS, params={"format": "xlsx"})).status == 400
    assert (await served.client.get(RESULTS, params={"status": "DONE"})).status == 400


async def test_an_export_that_breaks_off_does_not_look_whole(served: Served) -> None:
    served.view.pages = 3
    served.view.broken_page = StoreUnavailable("the disk is gone")
    answer = await served.client.get(RESULTS)
    assert answer.status == 200
    with pytest.raises(Exception, match="payload"):
        await answer.read()


async def test_the_client_streams_an_export(served: Served) -> None:
    await served.client.post(BATCH, json=[{"property_id": "P", "county_id": "B"}] * 2)
    async with GatewayClient(f"http://127.0.0.1:{served.port}") as gateway:
        data = b"".join([piece async for piece in gateway.export("csv", county_id="b")])
        assert [row["property_id"] for row in table(data)] == ["P", "P"]
        with pytest.raises(RequestRefused, match="format"):
            await anext(gateway.export("xlsx"))
