"""The handler's three steps, so that whoever calls may wait for the roll between the first two, or slice a batch."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from processor.batch import Batch, Outcomes, Record, Row, Traced
from processor.handler.collaborators import Collaborators
from processor.handler.reading import Failure, Jobs, read
from processor.handler.valuing import answer_missing, value
from processor.handler.writing import Writer


@dataclass(slots=True)
class Work:
    """Some consecutive records of a batch on their way to results."""

    jobs: Jobs
    records: int
    missing: list[int]
    """Positions of the jobs whose property the roll did not hold when it was asked."""
    started_ms: int
    started: float
    results: list[Row]
    tally: Counter[tuple[str, str | None]]
    seconds: float = 0.0


def begin(batch: Batch, records: Sequence[Record], first: int, using: Collaborators) -> Work:
    """Read and value consecutive records of a batch, the first being its ``first``; write them if nothing is missing.

    Jobs whose property is not on the roll stay open: call ``complete`` when the roll has caught up with its topics.
    """
    started_ms, started = using.now_ms(), using.elapsed()
    jobs = read(batch, records, first, started_ms, using.app_version)
    open_: Sequence[int] = range(len(jobs.answers))
    if jobs.dead_letters:
        open_ = [at for at in open_ if jobs.answers[at] is None]
    work = Work(jobs, len(records), value(jobs, open_, using), started_ms, started, [], Counter())
    if not work.missing:
        _write(work, batch, using)
    return work


def complete(work: Work, batch: Batch, using: Collaborators) -> None:
    """Look the missing properties up once more, fail the jobs whose property is missing still, and write the rest."""
    answer_missing(work.jobs, value(work.jobs, work.missing, using))
    work.missing = []
    _write(work, batch, using)


def gather(works: Sequence[Work]) -> Outcomes:
    """Put the finished parts of a batch together, in their order."""
    tally: Counter[tuple[str, str | None]] = Counter()
    durations = []
    for work in works:
        tally += work.tally
        by_county: Counter[str] = Counter()
        for (county, _), count in work.tally.items():
            by_county[county] += count
        durations += [(county, work.seconds, count) for county, count in by_county.items()]
    return Outcomes(
        records=sum(work.records for work in works),
        results=[row for work in works for row in work.results],
        dead_letters=[row for work in works for row in work.jobs.dead_letters],
        dead_positions=[at for work in works for at in work.jobs.dead_positions],
        tally=tally,
        durations=durations,
        created_ms=[request.created_ms for work in works for request in work.jobs.requests],
        duplicates=sum(work.jobs.duplicates for work in works),
        traced=[traced for work in works if work.jobs.traces for traced in _traced(work.jobs)],
    )


def _traced(jobs: Jobs) -> Iterator[Traced]:
    for request, answer in zip(jobs.requests, jobs.answers, strict=True):
        trace = jobs.traces.get(request.job_id)
        if trace is not None:
            yield Traced(request.job_id, trace, answer.reason if isinstance(answer, Failure) else None)


def _write(work: Work, batch: Batch, using: Collaborators) -> None:
    writer = Writer(using, batch.record_limit, work.started_ms, max(using.now_ms(), work.started_ms))
    work.results, work.tally = writer.write(work.jobs)
    work.seconds = using.elapsed() - work.started
