"""The published examples run as they stand in docs/examples.md, against the staged county."""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import orjson
import pytest
from aiohttp import web

from producer.app import application
from producer.server import GatewayRunner
from tests.console.stage import staged

_ROOT: Final = Path(__file__).parents[3]
_BLOCK: Final = re.compile(r"^## (?P<name>\w+)\n(?P<body>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_CODE: Final = re.compile(r"^```(?:python|sh|js)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def examples(name: str) -> list[str]:
    """The code blocks of one section of the page."""
    text = (_ROOT / "docs" / "examples.md").read_text(encoding="utf-8")
    sections = {found["name"]: found["body"] for found in _BLOCK.finditer(text)}
    return _CODE.findall(sections[name])


@pytest.fixture
async def gateway() -> AsyncIterator[str]:
    runner = GatewayRunner(application(staged().gateway))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"localhost:{runner.addresses[0][1]}"
    await runner.cleanup()


async def run(*command: str, cwd: Path) -> str:
    """Run a program to its end; what it writes to standard error must be nothing."""
    environment = os.environ | {"PYTHONPATH": str(_ROOT)}
    started = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, wrong = await started.communicate()
    assert (started.returncode, wrong.decode()) == (0, "")
    return out.decode()


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} on the PATH: install it to run its example")
    return found


async def test_python(gateway: str, tmp_path: Path) -> None:
    (code,) = examples("Python")
    (tmp_path / "example.py").write_text(code.replace("localhost:8000", gateway))
    out = await run(sys.executable, "example.py", cwd=tmp_path)
    lines = out.splitlines()
    assert re.fullmatch(r"PROP123 is worth \$[\d,]+", lines[0])
    assert all(re.fullmatch(r"  \w+: [+-][\d,]+\.\d\d", line) for line in lines[1:4])
    assert lines[5] == "5 of 5 valued"
    assert sorted(lines[6:]) == [f"PROP{number} COMPLETED" for number in range(120, 125)]


async def test_curl(gateway: str, tmp_path: Path) -> None:
    program("curl")
    first, second = examples("curl")
    status = orjson.loads(await run(program("sh"), "-euc", first.replace("localhost:8000", gateway), cwd=tmp_path))
    job, again = (orjson.loads((tmp_path / name).read_bytes()) for name in ("job.json", "again.json"))
    assert job["result"]["estimated_value"] > 0
    assert job["job_id"] == again["job_id"] == status["job_id"]
    assert "Valuation report" in (tmp_path / "report.html").read_text()
    out = await run(program("sh"), "-euc", second.replace("localhost:8000", gateway), cwd=tmp_path)
    batch, failed = out[: out.index("}{") + 1], out[out.index("}{") + 1 :]
    assert orjson.loads(batch)["total"] == 2
    assert [job["property_id"] for job in orjson.loads(failed)["items"]] == ["NOPE"]


async def test_javascript(gateway: str, tmp_path: Path) -> None:
    node = program("node")
    (code,) = examples("JavaScript")
    (tmp_path / "example.mjs").write_text(code.replace("localhost:8000", gateway))
    asked, result = (await run(node, "example.mjs", cwd=tmp_path)).splitlines()
    assert re.fullmatch(r"202 [0-9a-f-]{36}", asked)
    assert re.fullmatch(r"PROP123 COMPLETED \d+", result)
