from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from schemas.errors import SettingsError
from schemas.settings import DEFAULT_BOOTSTRAP, KafkaSettings, StackRecord


def test_the_environment_s_servers_win_over_the_running_stack_s(tmp_path: Path) -> None:
    record = StackRecord(bootstrap_servers="127.0.0.1:1", gateway_url="http://127.0.0.1:2", supervisor_pid=3)
    assert KafkaSettings().resolved_bootstrap(tmp_path) == DEFAULT_BOOTSTRAP
    record.write(tmp_path)
    assert KafkaSettings().resolved_bootstrap(tmp_path) == "127.0.0.1:1"
    assert KafkaSettings(bootstrap_servers="127.0.0.1:4").resolved_bootstrap(tmp_path) == "127.0.0.1:4"
    StackRecord.remove(tmp_path)
    assert StackRecord.read(tmp_path) is None


def test_a_damaged_stack_record_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text("{")
    assert StackRecord.read(tmp_path) is None


def test_sasl_without_a_user_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="KAFKA_SASL_USERNAME"):
        KafkaSettings(security_protocol="SASL_PLAINTEXT").client_options(tmp_path)


def test_sasl_options_reach_the_client_and_the_secret_stays_out_of_the_text(tmp_path: Path) -> None:
    settings = KafkaSettings(
        security_protocol="SASL_PLAINTEXT", sasl_username="gateway", sasl_password=SecretStr("hidden")
    )
    assert settings.client_options(tmp_path)["sasl_plain_password"] == "hidden"
    assert "hidden" not in repr(settings)


def test_an_unreadable_certificate_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="KAFKA_SSL_CAFILE"):
        KafkaSettings(security_protocol="SSL", ssl_cafile=tmp_path / "none.pem").client_options(tmp_path)


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(ValidationError):
        KafkaSettings.model_validate({"security_protocol": "TELNET"})
