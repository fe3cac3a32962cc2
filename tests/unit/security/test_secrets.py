"""Secrets are shown nowhere: not by `--print-config`, not in logs, not in errors."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.showing import MASK, masked

SECRETS = {
    "KAFKA_SASL_PASSWORD": "kafka-hunter2",
    "GATEWAY_API_KEY": "tfk_0123456789ab_gateway-hunter2",
    "JOB_STORE_URL": "postgresql://jobs:store-hunter2@127.0.0.1:9/jobs?password=param-hunter2&sslmode=require",
    "MODEL_STORE_URL": "s3://id:model-hunter2@bucket/models",
}
KAFKA = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
    "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
    "KAFKA_SASL_USERNAME": "somebody",
}


def run(module: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, **KAFKA, **SECRETS, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("module", ["producer", "processor"])
def test_print_config_shows_what_is_in_effect_and_masks_secrets(module: str) -> None:
    shown = run(module, "--print-config", TOPIC_PREFIX="county7.")
    assert shown.returncode == 0, shown.stderr
    lines = dict(line.split("=", 1) for line in shown.stdout.splitlines())
    assert lines["KAFKA_SASL_PASSWORD"] == MASK
    assert lines["TOPIC_PREFIX"] == "county7."
    assert lines["KAFKA_SASL_USERNAME"] == "somebody"
    assert "hunter2" not in shown.stdout + shown.stderr
    if module == "producer":
        assert lines["GATEWAY_API_KEY"] == MASK
        assert lines["JOB_STORE_URL"] == f"postgresql://{MASK}@127.0.0.1:9/jobs?password={MASK}&sslmode=require"


def test_a_gateway_whose_store_and_kafka_are_away_says_so_without_their_secrets(tmp_path: Path) -> None:
    env = {**os.environ, **KAFKA, **SECRETS, "GATEWAY_PORT": "0", "DATA_DIR": str(tmp_path), "LOG_LEVEL": "DEBUG"}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "producer"], env=env, stdout=log, stderr=log)
        try:
            process.wait(6)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait(15)
    said = (tmp_path / "log").read_text()
    assert said
    assert "hunter2" not in said


@given(
    st.text(alphabet="abz:/@?&=%.", max_size=40),
    st.text(alphabet="XYW!~@:", min_size=4, max_size=12).filter(lambda text: set(text) - {"@", ":"}),
)
def test_no_url_shows_its_password(rest: str, password: str) -> None:
    assert password not in masked(f"postgresql://user:{password}@host/db{rest}")
    assert masked("sqlite:///jobs.sqlite") == "sqlite:///jobs.sqlite"
    assert masked(rest) == masked(masked(rest))
