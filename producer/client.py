"""A typed asynchronous client of the gateway, for programs and for the command line.

::

    async with GatewayClient("http://127.0.0.1:8000", key=os.environ.get("GATEWAY_API_KEY")) as gateway:
        job = await gateway.submit("BENTON", "PROP123", wait_s=10)

    ClientError
    ├── GatewayAway      nothing answers there, or it cannot take requests at present
    └── RequestRefused   the gateway refused the request and says why
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from io import BytesIO
from typing import Any, Final, Self

import aiohttp
import orjson

_VALUATION: Final = "/api/v1/valuation"
_NDJSON: Final = "application/x-ndjson"
_MAX_WAIT: Final = 30.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=120, connect=5)
_ENDLESS: Final = aiohttp.ClientTimeout(total=None, connect=5, sock_read=60)
_UNAVAILABLE: Final = 503
_TOO_MANY: Final = 429
_TRIES: Final = 5
_LONGEST_REST_S: Final = 60.0
_ERROR: Final = 400
_REFUSED: Final = frozenset({400, 401, 403, 404})

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
    """Speaks to one gateway; to be used as an asynchronous context manager.

    ``key`` is the API key to present, where the gateway asks for one. Who goes beyond the key's rate is made to wait,
    as the gateway says, and refused after several times.
    """

    def __init__(self, url: str, *, key: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(self.url, timeout=_TIMEOUT, headers=self._headers)
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
        return await self._json("POST", f"{_VALUATION}/batch", data=BytesIO(lines), headers=headers)

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

    async def export(self, kind: str = "ndjson", **filters: str) -> AsyncGenerator[bytes, None]:
        """Yield the pieces of one file (``ndjson``, ``csv`` or ``parquet``) of the jobs that fit the filters.

        Raises:
            RequestRefused: a filter or the format is not valid.
            GatewayAway: nothing answers, or the file broke off.
        """
        query = {"format": kind, **filters}
        try:
            async with self._opened().get(f"{_VALUATION}/results", params=query, timeout=_ENDLESS) as answer:
                if answer.status >= _ERROR:
                    raise RequestRefused(answer.status, orjson.loads(await answer.read()))
                async for piece in answer.content.iter_any():
                    yield piece
        except (aiohttp.ClientError, TimeoutError) as wrong:
            raise GatewayAway(f"The gateway at {self.url} does not answer: {wrong}") from wrong

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
                if isinstance(wrong, aiohttp.ClientResponseError) and wrong.status in _REFUSED:
                    raise RequestRefused(wrong.status, {"detail": wrong.message}) from wrong
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
        for tries_left in reversed(range(_TRIES)):
            status, rest_s, body = await self._once(method, path, **options)
            if status == _UNAVAILABLE:
                raise GatewayAway(str(body.get("detail", "The gateway cannot take requests at present.")))
            if status < _ERROR:
                return body
            if status != _TOO_MANY or not tries_left:
                break
            await asyncio.sleep(rest_s)
        raise RequestRefused(status, body)

    async def _once(self, method: str, path: str, **options: Any) -> tuple[int, float, Json]:
        """Return the status, how long to wait where that is asked for, and the body."""
        try:
            async with self._opened().request(method, path, **options) as answer:
                body: Json = orjson.loads(await answer.read())
        except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError) as wrong:
            raise GatewayAway(f"The gateway at {self.url} does not answer: {wrong}") from wrong
        stated = answer.headers.get("Retry-After", "")
        return answer.status, min(float(stated) if stated.isdecimal() else 1.0, _LONGEST_REST_S), body

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("use the client as an asynchronous context manager")
        return self._session
