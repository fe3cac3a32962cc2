"""The commands and the client against a whole gateway over fakes."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from rich.progress import Progress
from typer.testing import CliRunner, Result

from deploy.cli import build
from producer.client import GatewayAway, GatewayClient, RequestRefused
from producer.commands.gateway import progress
from producer.commands.patience import patiently
from producer.commands.watch import watch_batch
from producer.openapi.examples import VALUATION
from producer.store.errors import StoreUnavailable
from tests.unit.gateway.conftest import Served
from tests.waiting import holds


async def terrafusion(*arguments: str) -> Result:
    """Run a command in a thread, since the gateway it talks to lives in this loop."""
    return await asyncio.to_thread(CliRunner().invoke, build(), list(arguments))


def url(served: Served) -> str:
    return f"http://127.0.0.1:{served.port}"


def names_in(directory: Path) -> list[str]:
    return sorted(each.name for each in directory.iterdir())


async def test_submit_prints_the_accepted_jobs_as_json(served: Served) -> None:
    result = await terrafusion("submit", "--county", "benton_wa", "A", "B", "--url", url(served), "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert (said["county_id"], said["accepted"]) == ("BENTON", 2)
    assert [job["property_id"] for job in said["jobs"]] == ["A", "B"]
    assert len(served.kafka.records(served.requests)) == 2


async def test_submit_waits_for_results_and_reads_ids_from_a_file(served: Served, tmp_path: Path) -> None:
    served.view.answers = lambda _: VALUATION
    (tmp_path / "ids").write_text("A\n\n B \n")
    result = await terrafusion(
        "submit", "--county", "BENTON", "--file", str(tmp_path / "ids"), "--wait", "--url", url(served), "--json"
    )
    assert result.exit_code == 0, result.output
    assert [job["result"]["estimated_value"] for job in json.loads(result.stdout)["jobs"]] == [452300.0] * 2
    shown = await terrafusion("submit", "--county", "BENTON", "A", "--wait", "--url", url(served))
    assert "452,300" in shown.stdout


async def test_many_properties_go_as_a_batch(served: Served, tmp_path: Path) -> None:
    served.view.answers = lambda _: VALUATION
    (tmp_path / "ids").write_text("\n".join(f"P{number}" for number in range(300)))
    result = await terrafusion(
        "submit", "--county", "BENTON", "--file", str(tmp_path / "ids"), "--wait", "--url", url(served), "--json"
    )
    said = json.loads(result.stdout)
    assert (result.exit_code, said["accepted"]) == (0, 300)
    assert [batch["state"] for batch in said["batches"]] == ["COMPLETED"]


async def test_what_the_gateway_refuses_is_said_in_a_sentence(served: Served) -> None:
    result = await terrafusion("submit", "--county", "--", "A", "--url", url(served))
    assert result.exit_code == 1
    assert "/county_id" in result.stderr
    assert "Traceback" not in result.output


async def test_a_gateway_that_is_not_there_is_said_in_a_sentence() -> None:
    result = await terrafusion("submit", "--county", "B", "A", "--url", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "does not answer" in result.stderr


@pytest.mark.parametrize("arguments", [["--county", "B"], ["A"], ["--county", "B", "--file", "/nowhere"]])
async def test_a_command_that_names_nothing_is_a_usage_error(arguments: list[str]) -> None:
    assert (await terrafusion("submit", *arguments)).exit_code == 2


async def test_watch_follows_a_batch_and_a_job_to_their_ends(served: Served) -> None:
    served.view.answers = lambda _: VALUATION
    async with GatewayClient(url(served)) as gateway:
        batch = await gateway.submit_batch([{"property_id": "A", "county_id": "B"}])
        job = await gateway.submit("B", "A")
    watched = await terrafusion("watch", batch["batch_id"], "--url", url(served), "--json")
    assert (watched.exit_code, json.loads(watched.stdout)["completed"]) == (0, 1)
    watched = await terrafusion("watch", job["job_id"], "--url", url(served), "--json")
    assert (watched.exit_code, json.loads(watched.stdout)["status"]) == (0, "COMPLETED")
    assert (await terrafusion("watch", "nothing", "--url", url(served))).exit_code == 1


async def test_reappraise_has_every_property_valued(served: Served) -> None:
    served.view.answers = lambda _: VALUATION
    body = [{"property_id": f"P{number}", "bedrooms": number % 2} for number in range(10)]
    await served.client.post("/api/v1/counties/BENTON/properties", json=body)
    result = await terrafusion(
        "reappraise", "--county", "BENTON", "--filter", "bedrooms=1", "--wait", "--url", url(served), "--json"
    )
    said = json.loads(result.stdout)
    assert (result.exit_code, said["total"], said["state"]) == (0, 5, "COMPLETED")


async def test_the_client_yields_results_as_they_are_committed_and_resumes(served: Served) -> None:
    served.view.answers = lambda _: VALUATION

    async def listening() -> bool:
        return bool(served.view.listening)

    async with GatewayClient(url(served)) as gateway:
        events = gateway.events()
        first = asyncio.ensure_future(anext(events))
        assert await holds(listening, 5)
        await gateway.submit("B", "A")
        assert (await first)["property_id"] == "A"
        await events.aclose()


async def test_the_client_tells_refused_from_away(served: Served) -> None:
    async with GatewayClient(url(served)) as gateway:
        with pytest.raises(RequestRefused) as refused:
            await gateway.submit("B", "")
        assert (refused.value.status, refused.value.problem["errors"][0]["pointer"]) == (422, "/property_id")
        served.kafka.hanging = True
        with pytest.raises(GatewayAway):
            await gateway.submit("B", "A")


async def test_export_writes_a_file_in_the_format_that_its_name_ends_in(served: Served, tmp_path: Path) -> None:
    served.view.answers = lambda _: VALUATION
    await terrafusion("submit", "--county", "BENTON", "A", "B", "--url", url(served))
    for name, begins in (("all.ndjson", b'{"job_id"'), ("all.csv", b"job_id,"), ("all.parquet", b"PAR1")):
        place = tmp_path / name
        result = await terrafusion("export", "-o", str(place), "--county", "benton-wa", "--url", url(served), "--json")
        assert result.exit_code == 0, result.output
        said = json.loads(result.stdout)
        assert (said["file"], said["bytes"]) == (str(place), place.stat().st_size)
        assert place.read_bytes().startswith(begins)
    assert served.view.filters[-1].county_id == "BENTON"
    assert names_in(tmp_path) == ["all.csv", "all.ndjson", "all.parquet"]


async def test_export_writes_to_standard_output_for_a_pipe(served: Served) -> None:
    await terrafusion("submit", "--county", "BENTON", "A", "--url", url(served))
    result = await terrafusion("export", "--format", "csv", "--status", "PENDING", "--url", url(served))
    assert result.stdout.startswith("job_id,")
    assert "KB" not in result.stderr


async def test_an_export_that_breaks_off_leaves_no_file(served: Served, tmp_path: Path) -> None:
    await terrafusion("submit", "--county", "BENTON", "A", "--url", url(served))
    served.view.pages, served.view.broken_page = 3, StoreUnavailable("gone")
    result = await terrafusion("export", "-o", str(tmp_path / "all.csv"), "--url", url(served))
    assert (result.exit_code, names_in(tmp_path)) == (1, [])
    assert "does not answer" in result.stderr


@pytest.mark.parametrize("arguments", [["--format", "xls"], ["--json"], ["--status", "DONE", "-o", "x.csv"]])
async def test_an_export_that_cannot_be_is_said(served: Served, arguments: list[str]) -> None:
    result = await terrafusion("export", *arguments, "--url", url(served))
    assert result.exit_code in {1, 2}
    assert "Traceback" not in result.output


class Restarted(GatewayClient):
    """A client of a gateway that is away for a few looks after the first."""

    away = 3
    looks = 0

    async def batch(self, batch_id: str) -> dict[str, Any]:
        self.looks += 1
        if self.away and self.looks > 1:
            self.away -= 1
            raise GatewayAway("killed")
        return await super().batch(batch_id)


async def test_a_batch_is_followed_through_a_restart_of_the_gateway(served: Served) -> None:
    async with Restarted(url(served)) as gateway:
        batch = await gateway.submit_batch([{"property_id": "A", "county_id": "B"}])
        with progress(shown=False) as bar:
            watching = asyncio.create_task(watch_batch(gateway, batch["batch_id"], bar))
            assert await holds(lambda: waiting_for_the_gateway(bar), 10)
            for job_id in served.view.pending:
                served.view.finish(job_id, VALUATION)
            assert (await watching)["state"] == "COMPLETED"
            assert [task.description for task in bar.tasks] == ["valuing"]
    assert not gateway.away


async def waiting_for_the_gateway(bar: Progress) -> bool:
    return [task.description for task in bar.tasks] == ["waiting for the gateway"]


async def test_patience_ends(served: Served) -> None:
    async with Restarted(url(served)) as gateway:
        gateway.looks = 1
        with pytest.raises(GatewayAway):
            await patiently(lambda: gateway.batch("b"), seconds=0.1)
