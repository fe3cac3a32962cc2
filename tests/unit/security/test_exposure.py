"""Without keys the gateway serves this machine alone, unless it is told that the rest is meant."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from producer.security.exposure import reachable, refuse_open_doors
from producer.settings import GatewaySettings
from schemas.errors import SettingsError


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_the_loopback_needs_no_keys(host: str) -> None:
    refuse_open_doors(GatewaySettings(gateway_host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.7", "no.such.host.invalid"])  # noqa: S104 - refused
def test_any_other_address_needs_keys_or_a_word(host: str, tmp_path: Path) -> None:
    assert reachable(host)
    with pytest.raises(SettingsError, match=r"GATEWAY_API_KEYS_FILE.*GATEWAY_ALLOW_OPEN"):
        refuse_open_doors(GatewaySettings(gateway_host=host))
    refuse_open_doors(GatewaySettings(gateway_host=host, gateway_allow_open=True))
    refuse_open_doors(GatewaySettings(gateway_host=host, gateway_api_keys_file=tmp_path / "keys"))


def test_the_process_says_what_to_do_and_ends(tmp_path: Path) -> None:
    env = {**os.environ, "GATEWAY_HOST": "0.0.0.0", "GATEWAY_PORT": "0", "DATA_DIR": str(tmp_path)}  # noqa: S104
    ended = subprocess.run(
        [sys.executable, "-m", "producer"], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert "terrafusion keys create" in ended.stderr
    assert "Traceback" not in ended.stderr
