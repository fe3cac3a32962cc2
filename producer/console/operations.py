"""The console's pages as operations of the gateway: outside the documented interface, each behind its own door."""

from typing import Final, Literal

from producer.console import assets, batch_pages, county_pages, job_list, letter_pages, report, signing_in, submitting
from producer.console.doors import as_pages, guarded
from producer.routes.table import Answer, Content, Handler, Operation
from producer.security.scopes import Scope

_TEXT: Final = {"type": "string"}
_PAGE: Final = (Answer(200, "The page.", (Content(_TEXT, media_type="text/html"),)),)


def _page(method: Literal["GET", "POST"], path: str, name: str, handler: Handler) -> Operation:
    return Operation(
        method, path, name, name, "console", handler, _PAGE, documented=False, public=True
    )  # the door is part of the handler: it leads to the sign-in page


def _look(path: str, name: str, handler: Handler) -> Operation:
    return _page("GET", path, name, guarded(handler))


def _act(path: str, name: str, handler: Handler, scope: Scope = Scope.SUBMIT) -> Operation:
    return _page("POST", path, name, guarded(handler, scope))


CONSOLE: Final = (
    _look("/", "showJobs", job_list.show),
    _look("/jobs/{job_id}", "showReport", report.report),
    _look("/submit", "showForm", submitting.show),
    _act("/submit", "postForm", submitting.post),
    _look("/batches", "showBatches", batch_pages.show_all),
    _look("/batches/{batch_id}", "showBatch", batch_pages.show),
    _act("/batches/{batch_id}/cancel", "cancelFromPage", batch_pages.cancel),
    _look("/counties", "showCounties", county_pages.show_all),
    _look("/counties/{county}", "showCounty", county_pages.show),
    _act("/counties/{county}/reappraise", "reappraiseFromPage", county_pages.reappraise),
    _look("/dead-letters", "showDeadLetters", letter_pages.show_all),
    _act("/dead-letters", "replayFromList", letter_pages.replay_chosen, Scope.ADMIN),
    _look("/dead-letters/{position}", "showDeadLetter", letter_pages.show),
    _act("/dead-letters/{position}", "replayFromPage", letter_pages.replay_one, Scope.ADMIN),
    _page("GET", "/sign-in", "showSignIn", as_pages(signing_in.show)),
    _page("POST", "/sign-in", "signIn", as_pages(signing_in.sign_in)),
    _page("POST", "/sign-out", "signOut", as_pages(signing_in.sign_out)),
    _page("GET", "/console/{name}", "consoleFile", assets.static),
)
"""All of them."""
