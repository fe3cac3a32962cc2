"""The commands `terrafusion keys create|list|revoke`: who may use the gateway."""

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from producer.commands.gateway import AsJson, write_json
from producer.security.scopes import Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from producer.security.keys import KeyEntry

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
_READ_AND_SUBMIT: Final = (Scope.READ, Scope.SUBMIT)

keys = typer.Typer(help="API keys of the gateway.", no_args_is_help=True)

Client = Annotated[str, typer.Argument(help="Whose key it is; keys of one client share its idempotency keys.")]
KeyId = Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.")]
File = Annotated[
    Path | None, typer.Option("--file", help="The keys file; else GATEWAY_API_KEYS_FILE, else DATA_DIR/api-keys.json.")
]
Scopes = Annotated[
    list[Scope] | None, typer.Option("--scope", help="What it allows, repeatable; read and submit when absent.")
]
Rate = Annotated[int | None, typer.Option("--rate", min=1, help="Requests a minute; without it there is no limit.")]
Expires = Annotated[
    str | None, typer.Option("--expires", help="When it ends: 90d, 12h, 30m, or a date; never when absent.")
]


@keys.command("create")
def create(  # noqa: PLR0913 - a command's options
    client: Client,
    *,
    scope: Scopes = None,
    rate: Rate = None,
    expires: Expires = None,
    file: File = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, this once: only its hash is kept. A running gateway takes it within a second."""
    from producer.security.keyfile import change_keys  # noqa: PLC0415 - start-up time
    from producer.security.keys import MAX_CLIENT, KeyEntry, digest, is_client_name, new_token  # noqa: PLC0415

    if not is_client_name(client):
        raise typer.BadParameter(f"a client's name has 1 to {MAX_CLIENT} printable characters")
    now, path = datetime.now(UTC), keys_file(file)
    key_id, token = new_token()
    entry = KeyEntry(
        id=key_id,
        client=client,
        sha256=digest(token),
        scopes=frozenset(scope or _READ_AND_SUBMIT),
        rate_per_minute=rate,
        created_at=now,
        not_after=None if expires is None else _moment(expires, now),
    )
    change_keys(path, lambda kept: [*kept, entry])
    if as_json:
        write_json({"key": token, "file": str(path), **_shown(entry, now)})
    else:
        typer.echo(token)
        sys.stderr.write(f"Keep it: it is not shown again. Its hash is in {path}; the gateway reads it as\n")
        sys.stderr.write(f"GATEWAY_API_KEYS_FILE={path.resolve()}; clients send it as Authorization: Bearer KEY.\n")


@keys.command("list")
def list_keys(*, file: File = None, as_json: AsJson = False) -> None:
    """Show every key's id, client, scopes, rate and state; the keys themselves are nowhere."""
    from producer.security.keyfile import read_keys  # noqa: PLC0415 - start-up time

    now = datetime.now(UTC)
    found = read_keys(keys_file(file))
    if as_json:
        write_json({"keys": [_shown(key, now) for key in found]})
    else:
        _show(found, now)


@keys.command("revoke")
def revoke(key_id: KeyId, *, file: File = None, as_json: AsJson = False) -> None:
    """End a key; a running gateway refuses it within a second, and streams that it opened end."""
    from producer.security.errors import KeysFileError  # noqa: PLC0415 - start-up time
    from producer.security.keyfile import change_keys  # noqa: PLC0415 - start-up time

    now, path = datetime.now(UTC), keys_file(file)

    def without(kept: "Sequence[KeyEntry]") -> "Sequence[KeyEntry]":
        if all(key.id != key_id for key in kept):
            raise KeysFileError(f"The keys file {path} holds no key {key_id[:64]!r}.")
        return [
            key.model_copy(update={"revoked_at": key.revoked_at or now}) if key.id == key_id else key for key in kept
        ]

    change_keys(path, without)
    if as_json:
        write_json({"revoked": key_id})
    else:
        typer.echo(f"Key {key_id} is revoked.")


def keys_file(stated: Path | None) -> Path:
    """Return the keys file: as stated, else of the settings, else in the data directory."""
    from producer.security.keyfile import DEFAULT_NAME  # noqa: PLC0415 - start-up time
    from producer.settings import GatewaySettings  # noqa: PLC0415 - start-up time

    settings = GatewaySettings()
    return stated or settings.gateway_api_keys_file or settings.data_dir / DEFAULT_NAME


def _moment(stated: str, now: datetime) -> datetime:
    span = re.fullmatch(r"([1-9]\d{0,5})([mhd])", stated, re.ASCII)
    try:
        if span is not None:
            return now + timedelta(**{_UNITS[span[2]]: int(span[1])})
        moment = datetime.fromisoformat(stated)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"--expires {stated}: write 90d, 12h, 30m or a date such as 2027-01-31") from None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    if moment <= now:
        raise typer.BadParameter(f"--expires {stated} is over already")
    return moment


def _shown(key: "KeyEntry", now: datetime) -> dict[str, Any]:
    said = key.model_dump(mode="json", exclude={"sha256"})
    return said | {"scopes": sorted(key.scopes), "state": key.state(now)}


def _show(found: "Sequence[KeyEntry]", now: datetime) -> None:
    from rich.console import Console  # noqa: PLC0415 - start-up time
    from rich.table import Table  # noqa: PLC0415 - start-up time
    from rich.text import Text  # noqa: PLC0415 - start-up time

    table = Table("id", "client", "scopes", "a minute", "created", "not after", "state")
    for key in found:
        rate = "" if key.rate_per_minute is None else str(key.rate_per_minute)
        end = "" if key.not_after is None else f"{key.not_after:%Y-%m-%d %H:%M}"
        created = f"{key.created_at:%Y-%m-%d}"
        table.add_row(key.id, Text(key.client), " ".join(sorted(key.scopes)), rate, created, end, key.state(now))
    Console().print(table)
