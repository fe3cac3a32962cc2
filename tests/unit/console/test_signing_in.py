"""With keys, pages lead to the sign-in page, and a key becomes a cookie that scripts cannot read."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from producer.security.credentials import COOKIE
from producer.security.keyfile import change_keys
from producer.security.keys import KeyEntry, digest, new_token
from producer.security.scopes import Scope
from producer.settings import GatewaySettings
from tests.console.stage import COUNTY
from tests.unit.console.conftest import OWN_PAGE, Console, serve
from tests.unit.console.pages import Page


def _key(path: Path, *scopes: Scope) -> str:
    key_id, token = new_token()
    entry = KeyEntry(
        id=key_id,
        client="assessor",
        sha256=digest(token),
        scopes=frozenset(scopes),
        created_at=datetime.now(UTC),
    )
    change_keys(path, lambda keys: [*keys, entry])
    return token


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def reader(keys: Path) -> str:
    return _key(keys, Scope.READ)


@pytest.fixture
def clerk(keys: Path) -> str:
    return _key(keys, Scope.READ, Scope.SUBMIT)


@pytest.fixture
def admin(keys: Path) -> str:
    return _key(keys, Scope.ADMIN)


@pytest.fixture
async def locked(keys: Path, reader: str, clerk: str, admin: str) -> AsyncIterator[Console]:
    assert len({reader, clerk, admin}) == 3
    async for served in serve(GatewaySettings(gateway_api_keys_file=keys, gateway_catch_up_seconds=1.0)):
        yield served


async def test_a_page_without_a_key_leads_to_the_sign_in_page_and_back(locked: Console, reader: str) -> None:
    answer = await locked.client.get("/?status=FAILED", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/sign-in?next=%2F%3Fstatus%3DFAILED")
    page = Page(await locked.text(answer.headers["Location"]))
    place = next(found["value"] for found in page.attributes("input") if found["name"] == "next")
    signed_in = await locked.post("/sign-in", {"key": reader, "next": place})
    assert (signed_in.status, signed_in.headers["Location"]) == (303, "/?status=FAILED")
    assert "assessor" in await locked.text("/?status=FAILED")


async def test_the_cookie_is_for_this_site_and_no_script(locked: Console, reader: str) -> None:
    answer = await locked.post("/sign-in", {"key": reader})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="))
    assert "Secure" not in cookie
    behind_tls = await locked.client.post(
        "/sign-in", data={"key": reader}, headers={**OWN_PAGE, "X-Forwarded-Proto": "https"}, allow_redirects=False
    )
    assert "Secure" in behind_tls.headers["Set-Cookie"]


async def test_the_cookie_opens_the_interface_to_the_pages_scripts(locked: Console, reader: str) -> None:
    assert (await locked.client.get("/api/v1/valuation/jobs")).status == 401
    await locked.post("/sign-in", {"key": reader})
    assert (await locked.client.get("/api/v1/valuation/jobs")).status == 200


@pytest.mark.parametrize("key", ["", "nonsense", "x" * 10_000, "tfk_000000000000_" + "A" * 43])
async def test_a_key_that_is_none_is_refused(locked: Console, key: str) -> None:
    answer = await locked.post("/sign-in", {"key": key})
    assert answer.status == 401
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("place", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:1"])
async def test_signing_in_leads_nowhere_else(locked: Console, reader: str, place: str) -> None:
    answer = await locked.post("/sign-in", {"key": reader, "next": place})
    assert answer.headers["Location"] == "/"


async def test_signing_out_forgets_the_key(locked: Console, reader: str) -> None:
    await locked.post("/sign-in", {"key": reader})
    await locked.text("/")
    assert (await locked.post("/sign-out", {"x": ""})).status == 303
    assert (await locked.client.get("/", allow_redirects=False)).status == 303


async def test_who_may_only_read_cannot_submit(locked: Console, reader: str, clerk: str) -> None:
    fields = {"county_id": COUNTY, "property_id": "PROP123"}
    assert (await locked.post("/submit", fields)).headers["Location"] == "/sign-in"
    await locked.post("/sign-in", {"key": reader})
    assert (await locked.post("/submit", fields)).status == 403
    assert (await locked.post(f"/counties/{COUNTY}/reappraise", fields)).status == 403
    await locked.post("/sign-in", {"key": clerk})
    assert (await locked.post("/submit", fields)).status == 303


async def test_only_an_administrator_replays_dead_letters(locked: Console, clerk: str, admin: str) -> None:
    await locked.post("/sign-in", {"key": clerk})
    page = Page(await locked.text("/dead-letters/0:1"))
    assert "Replay" not in page.texts("button")
    assert not Page(await locked.text("/dead-letters")).attributes("input")
    assert (await locked.post("/dead-letters/0:1", {"fix": ""})).status == 403
    assert (await locked.post("/dead-letters", {"letter:0:1": "1"})).status == 403
    assert not locked.stage.letters.replayed
    await locked.post("/sign-in", {"key": admin})
    assert "Replay" in Page(await locked.text("/dead-letters/0:1")).texts("button")
    assert (await locked.post("/dead-letters/0:1", {"fix": ""})).status == 303
    assert len(locked.stage.letters.replayed) == 1


async def test_a_link_from_another_site_takes_a_step_in_between(locked: Console, reader: str) -> None:
    """Such a request comes without the strict cookie; the step's own request brings it."""
    answer = await locked.client.get("/batches?cursor=a", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 200
    (refresh,) = [found for found in Page(await answer.text()).attributes("meta") if "http-equiv" in found]
    assert refresh["content"] == "0;url=/batches?cursor=a"
    assert reader


async def test_files_and_the_sign_in_page_need_no_key(locked: Console) -> None:
    page = Page(await locked.text("/sign-in"))
    for found in page.attributes("link"):
        assert (await locked.client.get(found["href"])).status == 200


async def test_without_keys_there_is_nothing_to_sign_in_to(console: Console) -> None:
    assert (await console.client.get("/sign-in", allow_redirects=False)).headers["Location"] == "/"
    assert "Sign out" not in await console.text("/")
