"""The image is built as the linter of Dockerfiles wants it, from the same pinned packages as everything else."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"


def hadolint() -> str:
    """Return the linter's path; its wheel is one of the packages for development."""
    found = shutil.which("hadolint", path=f"{Path(sys.executable).parent}") or shutil.which("hadolint")
    if found is None:
        pytest.skip("hadolint is missing: `make test` brings it")
    return found


def test_the_linter_finds_nothing() -> None:
    done = subprocess.run([hadolint(), DOCKERFILE], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


def test_the_linter_would_find_something(tmp_path: Path) -> None:
    worse = tmp_path / "Dockerfile"
    worse.write_text(DOCKERFILE.read_text(encoding="utf-8").replace("FROM python:${PYTHON}", "FROM python"))
    done = subprocess.run([hadolint(), worse], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0


def test_the_image_holds_what_the_lock_file_names() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    installs = re.findall(r"pip install ([^\\&\n]*)", text)
    assert installs == [
        "--require-hashes --requirement requirements.lock",
        "--no-deps --no-build-isolation . ",
    ]
    assert "!requirements.lock" in (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text(encoding="utf-8")
