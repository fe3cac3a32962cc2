"""What answers tell browsers."""

import pytest

from producer.settings import GatewaySettings
from tests.unit.gateway.conftest import RUN, Served
from tests.unit.security.conftest import Keys, Ticks, bearer

GOOD = {"property_id": "P", "county_id": "B"}
FRIEND = "https://friend.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}


@pytest.mark.parametrize("path", ["/", "/docs", "/livez", "/nowhere", "/metrics", "/api/v1/valuation/jobs"])
async def test_every_answer_says_that_its_type_is_meant_and_who_may_frame_it(open_to_all: Served, path: str) -> None:
    answer = await open_to_all.client.get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    script = [part for part in answer.headers["Content-Security-Policy"].split("; ") if part.startswith("script-src")]
    assert script in ([], ["script-src 'self'"])


async def test_a_stream_and_malformed_http_say_so_too(open_to_all: Served) -> None:
    async with open_to_all.client.get("/api/v1/valuation/events") as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert b"X-Content-Type-Options: nosniff" in await open_to_all.raw(b"GET / HTTP/9.9\r\n\r\n")


async def test_no_other_site_may_call_by_default(open_to_all: Served) -> None:
    headers = {"Origin": "https://evil.example"}
    asked = await open_to_all.client.options(RUN, headers=headers | PREFLIGHT)
    answered = await open_to_all.client.post(RUN, json=GOOD, headers=headers)
    assert not [name for answer in (asked, answered) for name in answer.headers if name.startswith("Access-Control")]


class TestWithAFriend:
    @pytest.fixture
    def settings(self) -> GatewaySettings:
        return GatewaySettings(gateway_cors_origins=f"{FRIEND}/, https://other.example", gateway_body_seconds=0.5)

    async def test_a_named_site_may_call_without_the_consoles_cookie(
        self, guarded: Served, keys: Keys, ticks: Ticks
    ) -> None:
        token = keys.make(rate=10)
        ticks.now += 2
        asked = await guarded.client.options(RUN, headers={"Origin": FRIEND} | PREFLIGHT)
        assert asked.status == 204
        assert asked.headers["Access-Control-Allow-Origin"] == FRIEND
        assert "POST" in asked.headers["Access-Control-Allow-Methods"]
        assert "Authorization" in asked.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in asked.headers
        answer = await guarded.client.post(RUN, json=GOOD, headers={"Origin": FRIEND} | bearer(token))
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (202, FRIEND)
        assert "RateLimit" in answer.headers["Access-Control-Expose-Headers"]
        assert "Origin" in answer.headers["Vary"]

    async def test_every_other_site_may_not(self, open_to_all: Served) -> None:
        for origin in ("https://evil.example", "null", "http://friend.example", f"{FRIEND}.evil.example"):
            answer = await open_to_all.client.options(RUN, headers={"Origin": origin} | PREFLIGHT)
            assert "Access-Control-Allow-Origin" not in answer.headers
            assert answer.headers["Vary"] == "Origin"
