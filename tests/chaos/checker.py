"""Judges a history: every way in which the guarantees could have been broken, each with the jobs it happened to.

Pure: operations in, anomalies out. It knows what was asked and what the topics and the view hold at the end, and
nothing of how the system works.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Final

from tests.chaos.anomalies import Anomaly, Kind
from tests.chaos.books import Books, Position
from tests.chaos.history import Asked, DeadLetter, End, Operation, Polled, Request, Result, Sent, Via, Viewed

_NOT_FOUND: Final = 404
_FINAL: Final = ("COMPLETED", "FAILED")
_DEAD: Final = (End.POISON, End.INVALID)
_STATUS: Final[Mapping[End, tuple[str, str | None]]] = {
    End.COMPLETED: ("COMPLETED", None),
    End.SIMULATED: ("FAILED", "simulated_processing_error"),
    End.NOT_FOUND: ("FAILED", "property_not_found"),
    End.INVALID: ("FAILED", "invalid_request"),
}


def check(history: Iterable[Operation]) -> list[Anomaly]:
    """Return every anomaly of a finished run; none means that the run kept every guarantee."""
    books = Books.of(history)
    checks = (
        _sending,
        _requests,
        _ends,
        _contents,
        _equality,
        _order,
        _continuous_reader,
        _dead_letters,
        _answers,
        _view,
        _balance,
    )
    return [anomaly for each in checks for anomaly in each(books)]


def _sending(books: Books) -> Iterator[Anomaly]:
    """What was acknowledged is on the requests topic, once asked is one job, what was refused is not there."""
    at = {(each.partition, each.offset): each.token for each in books.requests}
    for token, asked in books.asked.items():
        answers = books.acknowledged.get(token, ())
        if asked.end is End.REFUSED:
            if answers or token in books.requests_of:
                yield Anomaly(Kind.REFUSED_PUBLISHED, token)
            continue
        jobs = {each.job_id for each in answers}
        if not answers:
            yield Anomaly(Kind.UNANSWERED, token, asked.via)
        elif len(jobs) > 1:
            yield Anomaly(Kind.TWO_JOBS, token, ", ".join(sorted(map(str, jobs))))
        for each in answers:
            if not _stands(each, at, books):
                yield Anomaly(Kind.LOST_REQUEST, token, f"{asked.via} {each.partition}/{each.offset}")


def _stands(sent: Sent, at: Mapping[Position, str], books: Books) -> bool:
    name = sent.job_id or sent.token
    if sent.partition is None or sent.offset is None:
        return name in books.requests_of
    return at.get((sent.partition, sent.offset)) == name


def _requests(books: Books) -> Iterator[Anomaly]:
    for each in books.requests:
        if each.token not in books.owner:
            yield Anomaly(Kind.UNKNOWN_REQUEST, each.token, f"{each.partition}/{each.offset}")


def _ends(books: Books) -> Iterator[Anomaly]:
    """Every request on the topic has one result, a record without a job id has none, and nothing else has."""
    for token in books.requests_of:
        asked = books.owner.get(token)
        if asked is None or asked.end is End.POISON:
            continue
        results = books.results_of.get(token, ())
        if not results:
            accepted = asked.via is Via.HTTP and asked.token in books.acknowledged
            yield Anomaly(Kind.ACCEPTED_WITHOUT_END if accepted else Kind.LOST, token, asked.end)
        elif len(results) > 1:
            places = ", ".join(f"{each.partition}/{each.offset}" for each in results)
            yield Anomaly(Kind.DOUBLED, token, places)
    for job_id, results in books.results_of.items():
        owner = books.owner.get(job_id)
        if owner is None or job_id not in books.requests_of or owner.end is End.POISON:
            yield Anomaly(Kind.STRAY, job_id, f"{results[0].partition}/{results[0].offset}")


def _contents(books: Books) -> Iterator[Anomaly]:
    for each in books.results:
        asked = books.owner.get(each.job_id)
        if asked is None or asked.end not in _STATUS:
            continue
        wrong = dict(_differences(asked, each))
        if wrong:
            yield Anomaly(Kind.WRONG, each.job_id, "; ".join(f"{name}: {fact}" for name, fact in wrong.items()))


def _differences(asked: Asked, result: Result) -> Iterator[tuple[str, str]]:
    status, reason = _STATUS[asked.end]
    pairs: list[tuple[str, object, object]] = [
        ("key", result.job_id, result.key),
        ("status", status, result.status),
        ("failure_reason", reason, result.failure_reason),
        ("has a result", status == "COMPLETED", result.digest is not None),
    ]
    if asked.end is not End.INVALID:
        pairs += [
            ("property_id", asked.property_id, result.property_id),
            ("county_id", asked.county_id, result.county_id),
            ("valuation_method_hint", asked.hint, result.hint),
        ]
    if asked.end is End.COMPLETED:
        pairs.append(("valuation_date", asked.valuation_date, result.valuation_date))
    for name, wanted, found in pairs:
        if wanted != found:
            yield name, f"{wanted} became {found}"


def _equality(books: Books) -> Iterator[Anomaly]:
    """The same inputs and the same model version give the same result; a property has as many inputs as records."""
    digests: defaultdict[tuple[str | None, ...], set[str]] = defaultdict(set)
    inputs: defaultdict[str, set[str | None]] = defaultdict(set)
    for each in books.results:
        if each.digest is not None:
            changes = each.property_id in books.records
            same = (each.county_id, each.property_id, each.hint, each.valuation_date, each.model_version)
            digests[(*same, each.inputs) if changes else same].add(each.digest)
            inputs[each.property_id].add(each.inputs)
    for shared, found in digests.items():
        if len(found) > 1:
            yield Anomaly(Kind.UNEQUAL, " ".join(map(str, shared)), f"{len(found)} different results")
    for property_id, records in books.records.items():
        if len(inputs[property_id]) > records:
            yield Anomaly(Kind.UNEQUAL, property_id, f"{len(inputs[property_id])} inputs of {records} records")


def _order(books: Books) -> Iterator[Anomaly]:
    """A result is in its request's partition, and in a partition results follow the order of their requests."""
    lanes: defaultdict[int, list[tuple[int, Result, int]]] = defaultdict(list)
    for each in books.results:
        requests = books.requests_of.get(each.job_id, ())
        here = [request.offset for request in requests if request.partition == each.partition]
        if here:
            lanes[each.partition].append((each.offset, each, min(here)))
        elif requests:
            places = f"from {requests[0].partition} to {each.partition}"
            yield Anomaly(Kind.ELSEWHERE, each.job_id, places)
    for partition, lane in lanes.items():
        lane.sort(key=lambda entry: entry[0])
        for (_, _, before), (offset, result, request) in pairwise(lane):
            if request < before:
                yield Anomaly(Kind.OUT_OF_ORDER, result.job_id, f"{partition}/{offset}: {request} after {before}")


def _continuous_reader(books: Books) -> Iterator[Anomaly]:
    """Who reads committed results all the time receives what stands there at the end, each once."""
    stands = {(each.partition, each.offset): each.job_id for each in books.results}
    times = Counter((each.partition, each.offset) for each in books.seen)
    for each in books.seen:
        if stands.get((each.partition, each.offset)) != each.job_id:
            yield Anomaly(Kind.VANISHED, each.job_id, f"{each.partition}/{each.offset}")
    for (partition, offset), job_id in stands.items():
        received = times[partition, offset]
        if received != 1:
            kind = Kind.REPEATED if received else Kind.SKIPPED
            yield Anomaly(kind, job_id, f"{partition}/{offset}: {received} times")


def _dead_letters(books: Books) -> Iterator[Anomaly]:
    """Every invalid record has one dead letter, which is the record, and no valid request has any."""
    letters: defaultdict[Position, list[DeadLetter]] = defaultdict(list)
    for letter in books.dead_letters:
        letters[letter.from_partition, letter.from_offset].append(letter)
    for request in books.requests:
        asked = books.owner.get(request.token)
        found = letters.pop((request.partition, request.offset), [])
        yield from _dead_letters_of(request, found, dead=asked is not None and asked.end in _DEAD)
    for (partition, offset), found in letters.items():
        yield Anomaly(Kind.DEAD_LETTER_STRAY, f"{partition}/{offset}", f"{len(found)}, no such record")


def _dead_letters_of(request: Request, letters: list[DeadLetter], *, dead: bool) -> Iterator[Anomaly]:
    if not dead and letters:
        yield Anomaly(Kind.DEAD_LETTER_STRAY, request.token, letters[0].reason)
        return
    if dead and not letters:
        yield Anomaly(Kind.DEAD_LETTER_LOST, request.token, f"{request.partition}/{request.offset}")
    if len(letters) > 1:
        yield Anomaly(Kind.DEAD_LETTER_DOUBLED, request.token, f"{len(letters)} dead letters")
    if any(letter.digest != request.digest or not letter.reason for letter in letters):
        yield Anomaly(Kind.DEAD_LETTER_WRONG, request.token, f"{request.partition}/{request.offset}")


def _answers(books: Books) -> Iterator[Anomaly]:
    """An accepted job is known from its acknowledgement on, and a finished one stays as the topic has it.

    Of two polls that overlap either may have been answered first, so only one that was asked after the other's answer
    is later. A record that is no valid request makes no job before it has been judged: until then it may be unknown.
    """
    accepted: dict[str, int] = {}
    for token, answers in books.acknowledged.items():
        for each in answers if token in books.asked and books.asked[token].end is not End.INVALID else ():
            job_id = each.job_id or each.token
            accepted[job_id] = min(each.end_ms, accepted.get(job_id, each.end_ms))
    finished: defaultdict[str, list[Polled]] = defaultdict(list)
    for poll in sorted(books.polled, key=lambda each: each.at_ms):
        if poll.status == _NOT_FOUND and accepted.get(poll.job_id, poll.at_ms + 1) <= poll.at_ms:
            yield Anomaly(Kind.FORGOTTEN, poll.job_id)
        if poll.job_status is None:
            continue
        before = {each.job_status for each in finished[poll.job_id] if _answered(each) <= poll.at_ms}
        if before - {poll.job_status}:
            yield Anomaly(
                Kind.BACKWARDS, poll.job_id, f"{', '.join(sorted(map(str, before)))}, later {poll.job_status}"
            )
        if poll.job_status in _FINAL:
            finished[poll.job_id].append(poll)
            yield from _poll_against_topic(books, poll.job_id, poll.job_status)


def _answered(poll: Polled) -> int:
    return poll.at_ms if poll.answered_ms is None else poll.answered_ms


def _poll_against_topic(books: Books, job_id: str, status: str) -> Iterator[Anomaly]:
    results = books.results_of.get(job_id, ())
    if all(each.status != status for each in results):
        yield Anomaly(Kind.VIEW_WRONG, job_id, f"answered {status}, {len(results)} such results on the topic")


def _view(books: Books) -> Iterator[Anomaly]:
    """At the end the view lists every result, once, as the topic has it."""
    rows: defaultdict[str, list[Viewed]] = defaultdict(list)
    for row in books.viewed:
        rows[row.job_id].append(row)
    for job_id, results in books.results_of.items():
        listed = rows.pop(job_id, [])
        if not listed:
            yield Anomaly(Kind.UNSEEN, job_id)
        elif len(listed) > 1:
            yield Anomaly(Kind.VIEW_WRONG, job_id, f"listed {len(listed)} times")
        elif _row(listed[0]) != _row(results[0]):
            yield Anomaly(Kind.VIEW_WRONG, job_id, f"{_row(listed[0])} instead of {_row(results[0])}")
    for job_id, listed in rows.items():
        if job_id not in books.requests_of or listed[0].status in _FINAL:
            yield Anomaly(Kind.VIEW_WRONG, job_id, f"{listed[0].status} and no result on the topic")


def _row(each: Viewed | Result) -> tuple[str, str, str, str | None]:
    return each.property_id, each.county_id, each.status, each.failure_reason


def _balance(books: Books) -> Iterator[Anomaly]:
    for each in books.scrapes:
        if not each.submitted == each.completed + each.failed == each.observed:
            facts = f"{each.submitted} submitted, {each.completed} completed, {each.failed} failed, {each.observed}"
            yield Anomaly(Kind.UNBALANCED, f"{each.process} at {each.at_ms}", facts)
