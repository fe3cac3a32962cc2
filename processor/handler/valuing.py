"""From jobs to answers: look the properties up, apply overrides, ask the engine, and keep one bad job to itself."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from processor.errors import EngineAnswer
from processor.handler.collaborators import Collaborators
from processor.handler.reading import Failure, Jobs
from processor.valuation.frame import Engine, Frame, InsufficientData, Ints, Subjects
from schemas.codec import Request
from schemas.logs import get_logger
from schemas.reasons import SIMULATED, SIMULATED_FAILURE_PROPERTY, FailureReason, processing_error, property_not_found

_SIMULATED: Final = Failure(FailureReason.SIMULATED_PROCESSING_ERROR, SIMULATED)
_TRACEBACKS: Final = 3

_log = get_logger(__name__)


def value(jobs: Jobs, open_: Sequence[int], using: Collaborators) -> list[int]:
    """Answer the open jobs, given by their positions; return those whose property the roll does not hold."""
    missing: list[int] = []
    for county_id, positions in _by_county(jobs.requests, open_).items():
        _value_some(jobs, county_id, positions, using, missing)
    _log_some(jobs.raised)
    jobs.raised.clear()
    return missing


def answer_missing(jobs: Jobs, missing: Sequence[int]) -> None:
    """Fail the jobs whose property is not on the roll, now that the roll is known to be complete."""
    for at in missing:
        request = jobs.requests[at]
        message = property_not_found(request.property_id, request.county_id)
        jobs.answers[at] = Failure(FailureReason.PROPERTY_NOT_FOUND, message)


def _by_county(requests: Sequence[Request], open_: Sequence[int]) -> Mapping[str, Sequence[int]]:
    counties = [requests[at].county_id for at in open_]
    if len(set(counties)) == 1:
        return {counties[0]: open_}
    groups: dict[str, list[int]] = {}
    for at, county_id in zip(open_, counties, strict=True):
        groups.setdefault(county_id, []).append(at)
    return groups


def _log_some(raised: Sequence[tuple[Request, Exception]]) -> None:
    """Log what the engine raised: a few tracebacks tell as much as thousands would."""
    for request, error in raised[:_TRACEBACKS]:
        _log.error("valuation raised", job_id=request.job_id, county_id=request.county_id, exc_info=error)
    if len(raised) > _TRACEBACKS:
        _log.error("valuation raised for more requests", requests=len(raised) - _TRACEBACKS)


def _value_some(jobs: Jobs, county_id: str, positions: Sequence[int], using: Collaborators, missing: list[int]) -> None:
    """Value jobs of one county together; when that raises, value each half, down to the job that is to blame."""
    try:
        missing.extend(_value_together(jobs, county_id, positions, using))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever an engine raises is the job's failure, not the worker's
        if len(positions) > 1:
            half = len(positions) // 2
            _value_some(jobs, county_id, positions[:half], using, missing)
            _value_some(jobs, county_id, positions[half:], using, missing)
            return
        jobs.raised.append((jobs.requests[positions[0]], error))
        detail = str(error) or type(error).__name__
        jobs.answers[positions[0]] = Failure(FailureReason.PROCESSING_EXCEPTION, processing_error(detail))


def _value_together(jobs: Jobs, county_id: str, positions: Sequence[int], using: Collaborators) -> Sequence[int]:
    """Answer jobs of one county, and return those whose property is not on the roll; raises what the engine raises."""
    county = using.roll.county(county_id)
    if county is None:
        return positions
    property_ids = [jobs.requests[at].property_id for at in positions]
    rows, frame = county.lookup(property_ids)
    if SIMULATED_FAILURE_PROPERTY not in property_ids and rows.min() >= 0:
        wanted: Sequence[int] = positions
        missing: list[int] = []
    else:
        places, missing = _sorted_out(jobs, positions, rows)
        wanted, frame = [positions[place] for place in places], frame.take(np.array(places, dtype=np.int64))
    if not wanted:
        return missing
    answers = _asked(county_id, [jobs.requests[at] for at in wanted], frame, using)
    for at, answer in zip(wanted, answers, strict=True):
        jobs.answers[at] = answer
    return missing


def _sorted_out(jobs: Jobs, positions: Sequence[int], rows: Ints) -> tuple[list[int], list[int]]:
    """Fail who is to fail; return whom to value, as places among ``positions``, and who is not on the roll."""
    places: list[int] = []
    missing: list[int] = []
    for place, row in enumerate(rows.tolist()):
        at = positions[place]
        if row < 0:
            missing.append(at)
        elif jobs.requests[at].property_id == SIMULATED_FAILURE_PROPERTY:
            jobs.answers[at] = _SIMULATED
        else:
            places.append(place)
    return places, missing


def _asked(county_id: str, requests: Sequence[Request], frame: Frame, using: Collaborators) -> list[bytes | Failure]:
    engine = using.engines.engine(county_id)
    if engine is None:
        none = Failure(FailureReason.INSUFFICIENT_DATA, f"No valuation model serves county {county_id} yet.")
        return [none] * len(requests)
    return [
        Failure(FailureReason.INSUFFICIENT_DATA, given.message) if isinstance(given, InsufficientData) else given
        for given in _valued(engine, requests, frame)
    ]


def _valued(engine: Engine, requests: Sequence[Request], frame: Frame) -> list[bytes | InsufficientData]:
    overrides = {row: request.characteristics for row, request in enumerate(requests) if request.characteristics}
    subjects = Subjects(
        [request.property_id for request in requests],
        frame.with_overrides(overrides) if overrides else frame,
        np.array([request.day for request in requests], dtype=np.int64),
        [request.valuation_method_hint for request in requests],
    )
    given = engine.value(subjects)
    if len(given) != len(requests):
        raise EngineAnswer(f"{len(given)} values for {len(requests)} properties")
    return given
