"""A small run that kept every guarantee, with every kind of request in it: what the checker's tests start from."""

from dataclasses import replace

from tests.chaos.history import (
    Asked,
    DeadLetter,
    End,
    Operation,
    Outcome,
    Polled,
    Request,
    Result,
    Scrape,
    Seen,
    Sent,
    Via,
    Viewed,
)

History = list[Operation]


def _job(token: str, end: End = End.COMPLETED, *, via: Via = Via.KAFKA, offset: int, partition: int = 0) -> History:
    """Everything that one request leaves in a run that goes well."""
    asked = Asked(token, via, end, f"P-{end.name}", "BENTON", "cost", "2026-01-01", due_ms=offset)
    kafka = via is Via.KAFKA
    sent = Sent(token, offset, offset + 5, Outcome.ACKNOWLEDGED, token if end is not End.POISON else None)
    if kafka:
        sent = replace(sent, partition=partition, offset=offset)
    left: History = [asked, sent, Request(partition, offset, token, f"bytes of {token}")]
    if end in (End.POISON, End.INVALID):
        left.append(DeadLetter(partition, offset, partition, offset, "invalid_request", f"bytes of {token}"))
    if end is not End.POISON:
        left += result_of(asked, partition, offset)
    return left


def result_of(asked: Asked, partition: int, offset: int) -> History:
    status = "COMPLETED" if asked.end is End.COMPLETED else "FAILED"
    reasons = {End.COMPLETED: None, End.INVALID: "invalid_request"}
    reason = reasons.get(asked.end, str(asked.end))
    done = status == "COMPLETED"
    result = Result(
        partition,
        offset * 2,
        asked.token,
        asked.token,
        asked.property_id,
        asked.county_id,
        status,
        reason,
        asked.hint,
        asked.valuation_date if done else None,
        "v1" if done else None,
        "digest" if done else None,
    )
    return [
        result,
        Seen(asked.token, partition, offset * 2, at_ms=offset + 50),
        Polled(asked.token, offset + 10, 200, "PENDING"),
        Polled(asked.token, offset + 90, 200, status),
        Viewed(asked.token, asked.property_id, asked.county_id, status, reason),
    ]


def clean_run() -> History:
    """A run that kept every guarantee, with every kind of request in it."""
    history = [
        *_job("a", offset=1),
        *_job("b", via=Via.HTTP, offset=2),
        *_job("c", offset=3),
        *_job("simulated", End.SIMULATED, offset=4),
        *_job("missing", End.NOT_FOUND, offset=5),
        *_job("poison", End.POISON, offset=6),
        *_job("invalid", End.INVALID, offset=7),
        *_job("elsewhere", offset=1, partition=1),
        Scrape("worker-0", 500, submitted=6, completed=4, failed=2, observed=6),
    ]
    refused = Asked("refused", Via.HTTP, End.REFUSED, "", "BENTON", None, "2026-01-01", 8)
    ambiguous = Sent("a", 0, 1, Outcome.AMBIGUOUS)
    again = Request(0, 8, "c", "bytes of c")  # published twice: one result, from the first
    return [*history, refused, Sent("refused", 8, 9, Outcome.REFUSED, status=422), ambiguous, again]
