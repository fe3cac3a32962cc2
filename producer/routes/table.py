"""What an operation is: its path and handler, and all that the OpenAPI document says of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from aiohttp import web
from pydantic import BaseModel

from producer.gateway import Gateway
from producer.security.scopes import Scope

Handler = Callable[[Gateway, web.Request], Awaitable[web.StreamResponse]]
Json = Mapping[str, Any]
JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A path, query or header parameter."""

    name: str
    place: Literal["path", "query", "header"]
    description: str
    schema: Json
    example: object = None


@dataclass(frozen=True, slots=True)
class Many:
    """A JSON array of up to 50,000 of a model."""

    of: type[BaseModel]


@dataclass(frozen=True, slots=True)
class Content:
    """One media type of a body: a model, many of one, or a plain schema; and an example."""

    schema: type[BaseModel] | Many | Json
    example: object = None
    media_type: str = JSON


@dataclass(frozen=True, slots=True)
class Answer:
    """One status an operation answers with."""

    status: int
    description: str
    contents: tuple[Content, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. ``errors`` are the statuses answered with problem documents.

    ``scope`` is what an API key must hold, where keys are asked for: ``read`` to look and ``submit`` for the rest
    unless it says otherwise. What is ``public`` asks nobody.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    name: str
    summary: str
    tag: str
    handler: Handler
    answers: tuple[Answer, ...]
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: tuple[Content, ...] = ()
    errors: tuple[int, ...] = ()
    documented: bool = True
    scope: Scope | None = None
    public: bool = False

    @property
    def needed(self) -> Scope | None:
        """What an API key must hold for it; None where no key is asked for."""
        if self.public:
            return None
        return self.scope or (Scope.READ if self.method == "GET" else Scope.SUBMIT)
