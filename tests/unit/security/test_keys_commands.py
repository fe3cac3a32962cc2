"""`terrafusion keys`: a key is shown once, kept as a hash, and ends when it is told to."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.cli import build, run
from producer.security.errors import KeysFileError
from producer.security.keyfile import read_keys
from producer.security.keyring import KeyRing
from producer.security.keys import digest
from tests.unit.security.conftest import Keys


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATEWAY_API_KEYS_FILE", str(tmp_path / "keys.json"))
    return tmp_path / "keys.json"


def terrafusion(*arguments: str) -> Result:
    return CliRunner().invoke(build(), ["keys", *arguments])


def made(*arguments: str) -> dict[str, object]:
    result = terrafusion("create", *arguments, "--json")
    assert result.exit_code == 0, result.output
    said: dict[str, object] = json.loads(result.stdout)
    return said


def test_a_key_is_printed_once_and_only_its_hash_is_kept(file: Path) -> None:
    result = terrafusion("create", "assessor")
    token = result.stdout.strip()
    assert KeyRing(file).authenticate(token) is not None
    assert token not in file.read_text()
    assert token[17:] not in file.read_text()
    assert digest(token) in file.read_text()
    shown = terrafusion("list").stdout + terrafusion("list", "--json").stdout
    assert token[4:16] in shown
    assert token[17:] not in shown
    assert digest(token) not in shown


def test_the_file_is_its_owners_alone(file: Path) -> None:
    made("a")
    made("b")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_scopes_rate_and_end_are_kept(file: Path) -> None:
    said = made("a", "--scope", "read", "--scope", "admin", "--rate", "60", "--expires", "2031-01-31")
    assert (said["scopes"], said["rate_per_minute"], said["not_after"]) == (
        ["admin", "read"],
        60,
        "2031-01-31T00:00:00Z",
    )
    (key,) = read_keys(file)
    assert key.rate_per_minute == 60
    assert made("b")["scopes"] == ["read", "submit"]


def test_a_revoked_key_is_none_any_more_and_stays_listed(file: Path) -> None:
    said = made("a")
    assert terrafusion("revoke", str(said["id"])).exit_code == 0
    assert KeyRing(file).authenticate(str(said["key"])) is None
    (listed,) = json.loads(terrafusion("list", "--json").stdout)["keys"]
    assert listed["state"] == "revoked"


def test_an_unknown_key_and_a_broken_file_are_said_in_a_sentence(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made("a")
    assert run(lambda: build()(["keys", "revoke", "000000000000"], standalone_mode=False)) == 1
    assert "holds no key" in capsys.readouterr().err
    file.write_text('{"keys": [{"id": "secret-looking"}]}')
    assert run(lambda: build()(["keys", "list"], standalone_mode=False)) == 1
    assert "secret-looking" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["a", "--expires", "yesterday"], ["a", "--expires", "2001-01-01"], ["a\n"], ["x" * 65], ["a", "--scope", "root"]],
)
def test_what_cannot_be_meant_is_a_usage_error(file: Path, arguments: list[str]) -> None:
    assert terrafusion("create", *arguments).exit_code == 2
    assert not file.exists()


def test_keys_made_at_the_same_time_are_all_kept(file: Path) -> None:
    keys = Keys(file)
    with ThreadPoolExecutor(4) as pool:
        tokens = list(pool.map(lambda number: keys.make(client=f"client {number}"), range(40)))
    ring = KeyRing(file)
    assert all(ring.authenticate(token) for token in tokens)


@pytest.mark.parametrize(
    "content", ["", "[]", '{"version": 2, "keys": []}', '{"keys": [{}]}', '{"keys": [], "extra": 1}', "\xff"]
)
def test_what_is_no_keys_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "keys").write_bytes(content.encode("latin-1"))
    with pytest.raises(KeysFileError, match="keys file"):
        KeyRing(tmp_path / "keys")
    with pytest.raises(KeysFileError, match="cannot be read"):
        KeyRing(tmp_path / "absent")


def test_two_keys_with_one_id_are_refused(file: Path) -> None:
    made("a")
    content = json.loads(file.read_text())
    file.write_text(json.dumps({"version": 1, "keys": content["keys"] * 2}))
    with pytest.raises(KeysFileError, match="same id"):
        read_keys(file)
