"""Any course of calls, outages and restarts, against a model of which jobs there must be: no more, and no fewer.

``API_MACHINE_EXAMPLES=2000 pytest tests/unit/gateway/test_api_machine.py`` goes on for longer than the suite does.
"""

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from producer.headers import read_idempotency
from producer.settings import GatewaySettings
from schemas.codec import Request
from schemas.counties import normalise_county
from tests.unit.gateway.caller import Caller
from tests.unit.gateway.conftest import RUN

_EXAMPLES: Final = int(os.environ.get("API_MACHINE_EXAMPLES", "15"))
_STEPS: Final = 25
_V1: Final = "/api/v1/valuation"

_Asked = dict[str, str]
_REQUESTS: Final = st.fixed_dictionaries(
    {"property_id": st.sampled_from(["P1", "P2", 'P"3\\', "\u00c4cker 4"])},
    optional={"valuation_method_hint": st.sampled_from(["cost", "hedonic"])},
).flatmap(lambda one: st.sampled_from(["BENTON", "benton_wa", "KING"]).map(lambda county: {**one, "county_id": county}))
_KEYS: Final = st.sampled_from(["key-1", "key-2", "key-3"])
_FLAWS: Final[st.SearchStrategy[object]] = st.sampled_from(
    [{}, {"property_id": "P"}, {"property_id": 1, "county_id": "B"}, [], None, "x"]
)
_BAD_BODIES: Final = st.sampled_from(
    [
        b"",
        b"{",
        b"[]",
        b'{"property_id":"P"}',
        b'{"property_id":"P","county_id":NaN}',
        b'"\\ud800"',
        b"\xff",
        b"[" * 999,
    ]
)


class ApiMachine(RuleBasedStateMachine):
    """One gateway at a time over one Kafka; the model knows who was promised what."""

    jobs = Bundle("jobs")
    batches = Bundle("batches")
    unsure = Bundle("unsure")

    @initialize()
    def begin(self) -> None:
        self.caller = Caller(GatewaySettings(gateway_publish_seconds=0.05, gateway_catch_up_seconds=1.0))
        self.served = self.caller.served
        self.promised: dict[str, tuple[str, ...]] = {}
        """Jobs that were accepted."""
        self.possible: dict[str, tuple[str, ...]] = {}
        """Jobs of which the caller was told that nobody knows."""
        self.keys: dict[str, object] = {}
        """What each accepted key came with."""
        self.doubtful_keys: set[str] = set()
        self.answers: dict[str, tuple[str, object]] = {}
        """What each key was answered: a job or a batch id."""
        self.sizes: dict[str, int] = {}
        self.finished: set[str] = set()

    @rule(target=jobs, asked=_REQUESTS)
    def run(self, asked: _Asked) -> str:
        status, job = self.caller.post(RUN, asked)
        assert status == 202
        assert job["job_id"] not in self.promised
        return self._promise(job, asked)

    @rule(target=jobs, asked=_REQUESTS)
    def run_under_an_id_of_ones_own(self, asked: _Asked) -> str:
        own = str(uuid4())
        status, job = self.caller.post(RUN, asked | {"job_id": own.upper()})
        assert (status, job["job_id"]) == (202, own)
        return self._promise(job, asked)

    @rule(job_id=jobs, asked=_REQUESTS)
    def repeat_a_job_id(self, job_id: str, asked: _Asked) -> None:
        before = self.caller.published
        status, job = self.caller.post(RUN, asked | {"job_id": job_id})
        same = self.promised[job_id][:2] == _facts(asked)[:2]
        assert status == (202 if same else 409)
        assert not same or job["job_id"] == job_id
        assert self.caller.published == before

    @rule(target=jobs, asked=_REQUESTS, key=_KEYS)
    def run_with_a_key(self, asked: _Asked, key: str) -> Any:
        before = self.caller.published
        known, fingerprint = self.keys.get(key), ("run", _facts(asked))
        status, job = self.caller.post(RUN, asked, key=key)
        if known is not None and known != fingerprint:
            assert status == 422
            assert self.caller.published == before
            return multiple()
        assert status == 202
        if known is not None and key not in self.doubtful_keys:
            assert self.answers[key] == ("run", job["job_id"])
            assert self.caller.published == before
            return multiple()
        self.doubtful_keys.discard(key)
        self.keys[key], self.answers[key] = fingerprint, ("run", job["job_id"])
        return self._promise(job, asked)

    @rule(raw=_BAD_BODIES, path=st.sampled_from([RUN, f"{_V1}/batch"]))
    def send_what_is_no_request(self, raw: bytes, path: str) -> None:
        before = self.caller.published
        status, _ = self.caller.send("POST", path, raw, {"Content-Type": "application/json"})
        assert 400 <= status < 500 or raw == b"[]"
        assert self.caller.published == before

    @rule(target=batches, some=st.lists(_REQUESTS, min_size=1, max_size=5), lines=st.booleans())
    def post_a_batch(self, some: list[_Asked], lines: bool) -> Any:  # noqa: FBT001 - drawn
        status, batch = self.caller.post_batch(some, lines=lines)
        assert status == 202
        return self._promise_batch(batch, some)

    @rule(
        some=st.lists(_REQUESTS, max_size=4),
        flaw=_FLAWS,
        at=st.integers(0, 4),
        lines=st.booleans(),
    )
    def post_a_batch_with_a_flaw(
        self,
        some: list[_Asked],
        flaw: object,
        at: int,
        lines: bool,  # noqa: FBT001 - drawn
    ) -> None:
        before = self.caller.published
        flawed: list[object] = [*some]
        flawed.insert(at, flaw)
        status, problem = self.caller.post_batch(flawed, lines=lines)
        assert status == 422
        place = min(at, len(some))
        assert {error["pointer"].split("/")[1] for error in problem["errors"]} == {str(place)}
        assert self.caller.published == before

    @rule(target=batches, some=st.lists(_REQUESTS, min_size=1, max_size=3), key=_KEYS)
    def post_a_batch_with_a_key(self, some: list[_Asked], key: str) -> Any:
        before = self.caller.published
        known, fingerprint = self.keys.get(key), ("batch", [_facts(each) for each in some])
        status, batch = self.caller.post_batch(some, lines=False, key=key)
        if known is not None:
            assert status == (202 if known == fingerprint else 422)
            assert status == 422 or self.answers[key] == ("batch", batch["batch_id"])
            assert self.caller.published == before
            return multiple()
        assert status == 202
        self.keys[key], self.answers[key] = fingerprint, ("batch", batch["batch_id"])
        return self._promise_batch(batch, some)

    @rule(target=unsure, asked=_REQUESTS, key=st.none() | _KEYS)
    def ask_while_kafka_hangs(self, asked: _Asked, key: str | None) -> Any:
        """The caller hears of it, and what it asked may yet come to pass."""
        if key is not None and key in self.keys:
            return multiple()
        self.served.kafka.hanging = True
        status, problem = self.caller.post(RUN, asked, key=key)
        assert status == 503
        self.possible[problem["job_id"]] = _facts(asked)
        if key is not None:
            self.keys[key], self.answers[key] = ("run", _facts(asked)), ("run", problem["job_id"])
            self.doubtful_keys.add(key)
        self.caller.kafka_returns()
        return problem["job_id"], asked

    @rule(target=jobs, doubt=consumes(unsure))
    def retry_under_the_named_id(self, doubt: tuple[str, _Asked]) -> str:
        job_id, asked = doubt
        status, job = self.caller.post(RUN, asked | {"job_id": job_id})
        assert (status, job["job_id"]) == (202, job_id)
        return self._promise(job, asked)

    @rule()
    def restart_the_gateway(self) -> None:
        """What was promised is on the topic; what the process remembered is gone."""
        self.served.gateway.keys._claims.clear()

    @rule(job_id=jobs)
    def finish(self, job_id: str) -> None:
        self.served.view.finish(UUID(job_id), {"estimated_value": 1000.0})
        self.finished.add(job_id)

    @rule(job_id=jobs)
    def look_at_a_job(self, job_id: str) -> None:
        status, job = self.caller.get(f"{_V1}/status/{job_id}")
        ended = job_id in self.finished
        assert (status, job["status"]) == (200, "COMPLETED" if ended else "PENDING")
        assert (job["property_id"], job["county_id"]) == self.promised[job_id][:2]
        status, job = self.caller.get(f"{_V1}/results/{job_id}")
        assert (status, job["result"]) == (200, {"estimated_value": 1000.0} if ended else None)

    @rule(text=st.sampled_from(["x", "0", "8f14e45f-ceea-467f-a8f5", "urn:uuid:"]))
    def look_at_what_is_no_job(self, text: str) -> None:
        assert self.caller.get(f"{_V1}/status/{text}")[0] == 400
        assert self.caller.get(f"{_V1}/results/{uuid4()}")[0] == 404

    @rule()
    def list_jobs(self) -> None:
        status, page = self.caller.get(f"{_V1}/jobs?limit=1000")
        listed = Counter(job["job_id"] for job in page["items"])
        assert (status, max(listed.values(), default=1)) == (200, 1)
        assert self.promised.keys() <= listed.keys() <= self.promised.keys() | self.possible.keys()

    @rule(batch_id=batches)
    def look_at_a_batch(self, batch_id: str) -> None:
        status, batch = self.caller.get(f"{_V1}/batches/{batch_id}")
        assert (status, batch["total"], batch["published"]) == (200, self.sizes[batch_id], self.sizes[batch_id])

    @rule(batch_id=consumes(batches))
    def cancel_a_batch(self, batch_id: str) -> None:
        """All of it has been published, and what has been published is valued."""
        before = self.caller.published
        status, batch = self.caller.send("DELETE", f"{_V1}/batches/{batch_id}")
        assert (status, batch["state"], batch["published"]) == (200, "CANCELLED", self.sizes[batch_id])
        assert self.caller.published == before

    @precondition(lambda self: self.promised)
    @rule()
    def cancel_what_is_no_batch(self) -> None:
        assert self.caller.send("DELETE", f"{_V1}/batches/{uuid4()}")[0] == 404

    @invariant()
    def the_topic_holds_what_was_promised(self) -> None:
        requests = self.caller.requests()
        facts = {request.job_id: _of(request) for request in requests}
        for job_id, wanted in self.promised.items():
            assert facts.get(job_id) == wanted
        for job_id, found in facts.items():
            assert found == (self.promised.get(job_id) or self.possible.get(job_id)), "nobody asked for it"
        times = Counter(request.job_id for request in requests)
        assert all(count == 1 or job_id in self.possible for job_id, count in times.items())

    @invariant()
    def a_key_stands_for_one_job(self) -> None:
        records = self.served.kafka.records(self.served.requests)
        noted = {(note[0], record.key) for record in records if (note := read_idempotency(record.headers)) is not None}
        assert len({key for key, _ in noted}) == len(noted)

    def teardown(self) -> None:
        if hasattr(self, "caller"):
            self.caller.close()

    def _promise(self, job: dict[str, Any], asked: _Asked) -> str:
        job_id: str = job["job_id"]
        self.promised[job_id] = _facts(asked)
        return job_id

    def _promise_batch(self, batch: dict[str, Any], some: Sequence[_Asked]) -> str:
        batch_id: str = batch["batch_id"]
        assert (batch["total"], batch["published"]) == (len(some), len(some))
        mine = [request for request in self.caller.requests() if request.batch_id == batch_id]
        wanted = Counter((*_facts(each)[:3], batch_id) for each in some)
        assert Counter(map(_of, mine)) == wanted
        self.promised |= {request.job_id: _of(request) for request in mine}
        self.sizes[batch_id] = len(some)
        return batch_id


def _facts(asked: _Asked) -> tuple[str, ...]:
    return asked["property_id"], normalise_county(asked["county_id"]), asked.get("valuation_method_hint", ""), ""


def _of(request: Request) -> tuple[str, ...]:
    return request.property_id, request.county_id, request.valuation_method_hint or "", request.batch_id or ""


def test_whatever_is_called_there_are_the_jobs_that_were_promised() -> None:
    run_state_machine_as_test(
        ApiMachine,
        settings=settings(
            max_examples=_EXAMPLES,
            stateful_step_count=_STEPS,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
