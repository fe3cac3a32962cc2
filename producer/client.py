"""A typed asynchronous client of the gateway, for programs and for the command line.

::

    async with GatewayClient("http://127.0.0.1:8000") as gateway:
        job = await gateway.submit("BENTON", "PROP123", wait_s=10)

    ClientError
    ├── GatewayAway      nothing answers there, or it cannot take requests at present
    └── RequestRefused   the gateway refused the request and says why
"""

from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any, Final, Self

import aiohttp
import orjson

_VALUATION: Final = "/api/v1/valuation"
_NDJSON: Final = "application/x-ndjson"
_MAX_WAIT: Final = 30.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=120, connect=5)
_ENDLESS: Final = aiohttp.ClientTimeout(total=None, connect=5, sock_read=60)
_UNAVAILABLE: Final = 503
_ERROR: Final = 400

Json = dict[str, Any]


class ClientError(Exception):
    """Base of everything the client raises on purpose."""


class GatewayAway(ClientError):  # noqa: N818 - states the condition
    """Nothing answers at the gateway's address, or it cannot take requests at present; trying again is safe."""


class RequestRefused(ClientError):  # noqa: N818 - states what happened
    """The gateway refused a request; ``problem`` is its problem document."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        faults = "; ".join(f"{fault['pointer']}: {fault['message']}" for fault in problem.get("errors", ()))
        super().__init__(f"{problem.get('detail', 'refused')} {faults}".strip())
        self.status = status
        self.problem = problem


class GatewayClient:
    """Speaks to one gateway; to be used as an asynchronous context manager."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(self.url, timeout=_TIMEOUT)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def submit(
        self,
        county: str,
        property_id: str,
        *,
        wait_s: float = 0.0,
        key: str | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> Json:
        """Request one valuation; returns the job, with its ``result`` where it ended within ``wait_s`` (30 at most).

        ``more`` holds further members of the request. With ``key``, trying again makes no second job.

        Raises:
            RequestRefused: the request is not valid.
            GatewayAway: nothing answers, or Kafka is away.
        """
        headers = {} if wait_s <= 0 else {"Prefer": f"wait={min(wait_s, _MAX_WAIT):.0f}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        body = {"property_id": property_id, "county_id": county, **(more or {})}
        return await self._json("POST", f"{_VALUATION}/run", json=body, headers=headers)

    async def submit_batch(self, requests: Iterable[Mapping[str, Any]], *, key: str | None = None) -> Json:
        """Request up to 50,000 valuations at once; returns the batch. Raises as ``submit`` does."""
        headers = {"Content-Type": _NDJSON} | ({} if key is None else {"Idempotency-Key": key})
        lines = b"\n".join(orjson.dumps(dict(request)) for request in requests)
        return await self._json("POST", f"{_VALUATION}/batch", data=aiohttp.BytesPayload(lines), headers=headers)

    async def reappraise(self, county: str, **more: object) -> Json:
        """Have every property of a county valued anew; returns the batch."""
        return await self._json("POST", f"{_VALUATION}/reappraisals", json={"county_id": county, **more})

    async def job(self, job_id: str) -> Json:
        """Return a job with its result, which is null until the job is completed."""
        return await self._json("GET", f"{_VALUATION}/results/{job_id}")

    async def batch(self, batch_id: str) -> Json:
        """Return where a batch stands."""
        return await self._json("GET", f"{_VALUATION}/batches/{batch_id}")

    async def jobs(self, **filters: str) -> AsyncGenerator[Json, None]:
        """Yield the jobs that fit the filters of the job list, newest first, page after page."""
        query = {"limit": "1000", **filters}
        while True:
            page = await self._json("GET", f"{_VALUATION}/jobs", params=query)
            for job in page["items"]:
                yield job
            if page["next"] is None:
                return
            query["cursor"] = page["next"]

    async def events(self, **filters: str) -> AsyncGenerator[Json, None]:
        """Yield results as they are committed, without end and without loss: a broken connection is resumed."""
        last_id: str | None = None
        while True:
            try:
                async with self._open("GET", f"{_VALUATION}/events", filters, last_id) as answer:
                    data = b""
                    async for line in answer.content:
                        name, _, value = line.rstrip(b"\n").partition(b": ")
                        if name == b"id":
                            last_id = value.decode()
                        elif name == b"data":
                            data = value
                        elif not line.strip() and data:
                            yield orjson.loads(data)
                            data = b""
            except (aiohttp.ClientError, TimeoutError) as wrong:
                if last_id is None:
                    raise GatewayAway(f"The gateway at {self.url} does not answer: {wrong}") from wrong

    def _open(
        self, method: str, path: str, params: Mapping[str, str], last_id: str | None
    ) -> "aiohttp.client._RequestContextManager":
        headers = {} if last_id is None else {"Last-Event-ID": last_id}
        return self._opened().request(
            method, path, params=params, headers=headers, timeout=_ENDLESS, raise_for_status=True, read_bufsize=1 << 20
        )

    async def _json(self, method: str, path: str, **options: Any) -> Json:
        try:
            async with self._opened().request(method, path, **options) as answer:
                body: Json = orjson.loads(await answer.read())
        except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError) as wrong:
            raise GatewayAway(f"The gateway at {self.url} does not answer: {wrong}") from wrong
        if answer.status == _UNAVAILABLE:
            raise GatewayAway(str(body.get("detail", "The gateway cannot take requests at present.")))
        if answer.status >= _ERROR:
            raise RequestRefused(answer.status, body)
        return body

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("use the client as an asynchronous context manager")
        return self._session
