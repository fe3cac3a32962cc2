"""What every page has around it: who may see it, forms from our own pages only, and errors that are pages too."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from aiohttp import web

from producer.console.rendering import page
from producer.errors import Forbidden, InvalidBody, NotFound, ProducerError, TooLarge, Unauthenticated, Unavailable
from producer.gateway import Gateway
from producer.routes.table import Handler
from producer.security.credentials import from_own_page
from producer.security.scopes import Scope
from producer.store.errors import BadCursor, StoreError
from schemas.logs import get_logger

SIGN_IN: Final = "/sign-in"
_FORM: Final = "application/x-www-form-urlencoded"
_MAX_FORM: Final = 256 * 1024
_log = get_logger(__name__)


def guarded(handler: Handler, scope: Scope = Scope.READ) -> Handler:
    """Return a page's handler behind the guard: without a key to the sign-in page, and every error as a page."""

    async def guarded_page(gateway: Gateway, request: web.Request) -> web.StreamResponse:
        try:
            gateway.guard.admit(request, scope)
            return await handler(gateway, request)
        except Unauthenticated:
            return _to_sign_in(gateway, request)
        except (ProducerError, StoreError) as wrong:
            return error_page(gateway, request, wrong)

    return guarded_page


def as_pages(handler: Handler) -> Handler:
    """Return a handler whose errors are pages; whoever calls it has let the request in already."""

    async def shown(gateway: Gateway, request: web.Request) -> web.StreamResponse:
        try:
            return await handler(gateway, request)
        except (ProducerError, StoreError) as wrong:
            return error_page(gateway, request, wrong)

    return shown


def error_page(gateway: Gateway, request: web.Request, wrong: ProducerError | StoreError) -> web.Response:
    """Return the page of an error, with its status and headers."""
    told = _told(wrong)
    faults = [fault.message for fault in told.faults]
    answer = page(gateway, request, "error", status=told.status, title=told.title, detail=told.detail, faults=faults)
    answer.headers.update(told.headers)
    return answer


async def form(request: web.Request) -> Mapping[str, str]:
    """Return the fields of a form that one of our own pages sent.

    Raises:
        Forbidden: another site's page made the browser send it, or no browser did.
        TooLarge, InvalidBody: it is no form that a page of ours would send.
    """
    if not from_own_page(request):
        raise Forbidden("Forms are taken from the console's own pages only; programs use the interface under /docs.")
    if (request.content_length or 0) > _MAX_FORM:
        raise TooLarge("The form is too large.")
    if request.content_type != _FORM:
        raise InvalidBody("The form came in another format than our pages send.")
    fields = await request.post()
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def see_other(place: str) -> web.Response:
    """Return a redirection to a page, to be fetched with GET."""
    return web.Response(status=303, headers={"Location": place, "Cache-Control": "no-store"})


def _to_sign_in(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    if request.method not in {"GET", "HEAD"}:
        return see_other(SIGN_IN)
    if request.headers.get("Sec-Fetch-Site") == "cross-site":  # the cookie stays away from links of other sites
        return page(gateway, request, "onward", place=request.rel_url.raw_path_qs)
    return see_other(f"{SIGN_IN}?next={quote(request.rel_url.raw_path_qs, safe='')}")


def _told(wrong: ProducerError | StoreError) -> ProducerError:
    match wrong:
        case ProducerError():
            return wrong
        case BadCursor():
            return NotFound(f"There is no such page: {wrong}.")
        case _:
            _log.warning("the job store failed", error=str(wrong))
            return Unavailable("The job store cannot be read at present.", headers={"Retry-After": "2"})
