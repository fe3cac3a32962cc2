# ruff: noqa: N818 - named as what went wrong, as in the tree below
"""Errors of the way in and the way back; each knows the HTTP status that tells a caller about it.

::

    ProducerError
    ├── Refused                 the caller's request cannot be served as it is (4xx); nothing was published
    │   ├── MalformedRequest    400  not JSON, not a UUID, a parameter that cannot be read
    │   ├── Unauthenticated     401  no API key, or none that is live
    │   ├── Forbidden           403  the API key does not allow it
    │   ├── NotFound            404  no such job, batch, property, county
    │   ├── MethodNotAllowed    405
    │   ├── BodyTimeout         408  the body did not arrive in time
    │   ├── Conflict            409  another resource stands in the way
    │   ├── TooLarge            413
    │   ├── UnsupportedMedia    415
    │   ├── InvalidBody         422  JSON that is not what the schema asks for
    │   ├── Misdirected         421  called by a name that is none of the gateway's
    │   └── TooManyRequests     429  the API key has used up its rate
    └── Unavailable             503  try again later
        ├── KafkaUnavailable         no acknowledgement in time; the record may or may not have been written
        ├── Overloaded               too much is in flight; nothing was published
        └── ViewBehind               the job view cannot say yet what the topics hold
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request: a JSON pointer into its body and a sentence."""

    pointer: str
    message: str


@dataclass(slots=True, eq=False)
class ProducerError(Exception):
    """Base of everything this package raises on purpose.

    ``members`` become extension members of the problem document, ``headers`` go beside it.
    """

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    detail: str
    faults: Sequence[Fault] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.detail


class Refused(ProducerError):
    """The caller's request cannot be served as it is; nothing was published."""


class MalformedRequest(Refused):
    """The request cannot be read."""

    status = 400
    title = "Malformed request"


class Unauthenticated(Refused):
    """The request carries no API key, or none that is live."""

    status = 401
    title = "Unauthenticated"


class Forbidden(Refused):
    """The caller is known and may not do this."""

    status = 403
    title = "Forbidden"


class NotFound(Refused):
    """What the path names does not exist."""

    status = 404
    title = "Not found"


class MethodNotAllowed(Refused):
    """The path exists and does not answer to this method."""

    status = 405
    title = "Method not allowed"


class BodyTimeout(Refused):
    """The body did not arrive in time."""

    status = 408
    title = "Request timeout"


class Conflict(Refused):
    """The request contradicts something that exists already."""

    status = 409
    title = "Conflict"


class TooLarge(Refused):
    """The body is larger than the operation takes."""

    status = 413
    title = "Content too large"


class UnsupportedMedia(Refused):
    """The body is in a format that the operation does not read."""

    status = 415
    title = "Unsupported media type"


class Misdirected(Refused):
    """The request calls the gateway by a name that is none of its own."""

    status = 421
    title = "Misdirected request"


class InvalidBody(Refused):
    """The body is JSON and not what the schema asks for."""

    status = 422
    title = "Invalid request"


class TooManyRequests(Refused):
    """The caller has used up its rate."""

    status = 429
    title = "Too many requests"


class Unavailable(ProducerError):
    """The request is fine and cannot be served now."""

    status = 503
    title = "Service unavailable"


class KafkaUnavailable(Unavailable):
    """Kafka gave no acknowledgement in time; the record may or may not have been written.

    Publishing the same record again is safe: the job id is its identity.
    """

    title = "Kafka unavailable"


class Overloaded(Unavailable):
    """Too much is in flight; nothing was published."""

    title = "Overloaded"


class ViewBehind(Unavailable):
    """The job view has not read the topics far enough to answer."""

    title = "Job view behind"
