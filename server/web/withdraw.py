"""``/withdraw``: end a consent with the withdrawal code, for a machine that is lost. No sign-in, no script needed.

Rules:

* The code comes in the body of a POST from this page and stands in no address, log or cookie. What was typed is shown
  again only in the form that asks to mend it.
* A code with a typing mistake is told from the check symbols alone. Every other code that opens nothing gets one and
  the same answer after the same work.
* Wrong codes are limited for the whole process (``Attempts``: ten at once, then one in six seconds; 429 with
  Retry-After). The right code always passes: 130 random bits cannot be guessed, and a stranger who exhausts the limit
  must not keep a volunteer from withdrawing.
* It is the same path as any withdrawal (``server.withdrawal``), so the same code again shows the same receipt.
* The documents are handed out for a ticket, an HMAC over the record id and a time, which stands in the page's forms.
"""

import base64
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

from flask import Response, abort, make_response, render_template, request

from consent.chain import verify_chain
from consent.errors import CodeMistyped, CodeWrong
from consent.withdrawal_code import WithdrawalCode, parse_code
from server.api.state import runtime, state
from server.clock import HOUR_MS
from server.errors import NotFound, ProblemError, StoreError
from server.key_derivation import derive
from server.registry import Evidence
from server.web.pages import blueprint
from server.web.same_site import check_same_site
from server.withdrawal import withdraw_by_code

TICKET_MS = HOUR_MS
_MINUTE, _DAY = "%Y-%m-%d %H:%M UTC", "%Y-%m-%d"
_LONGEST_TYPED = 200
#: The documents of an ended consent, in the order in which they came about.
DOCUMENTS = ("erasure-receipt", "withdrawal", "receipt", "record", "notice")
JWS_MEDIA_TYPE = "application/jose"


@blueprint.get("/withdraw")
def withdraw_form() -> Response:
    """Ask for the code."""
    return _form()


@blueprint.post("/withdraw")
def withdraw_now() -> Response:
    """Withdraw and show the receipt; or the form again with what is wrong."""
    check_same_site()
    typed = request.form.get("code", "")[: _LONGEST_TYPED + 1]
    try:
        code = parse_code(typed)
    except CodeMistyped:
        return _form("mistyped", typed, status=422)
    try:
        return _withdraw(code)
    except StoreError:
        return _form("unfinished", str(code), status=503, retry_after=60)


@blueprint.post("/withdraw/document")
def withdraw_document() -> Response:
    """One of the documents, byte for byte, for a ticket of the page that shows the receipt."""
    check_same_site()
    record_id = _record_of(request.form.get("ticket", "")[:200])
    if record_id is None:
        return _form("stale", status=410)
    try:
        compact = documents(runtime().registry.evidence(record_id)).get(request.form.get("name", ""))
    except NotFound:
        compact = None
    if compact is None:
        abort(404)
    return jws_response(request.form["name"], compact)


def documents(evidence: Evidence) -> dict[str, str]:
    """The documents there are, by the name of their file."""
    every: Mapping[str, str | None] = {
        "erasure-receipt": evidence.erasure_receipt_jws,
        "withdrawal": evidence.withdrawal_jws,
        "receipt": evidence.receipt_jws,
        "record": evidence.record_jws,
        "notice": evidence.notice_jws,
    }
    return {name: compact for name, compact in every.items() if compact is not None}


def jws_response(name: str, compact: str) -> Response:
    """A document to keep, byte for byte as it was signed."""
    response = Response(compact, content_type=JWS_MEDIA_TYPE)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.jws"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _written(at_ms: int, form: str = _MINUTE) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime(form)


blueprint.add_app_template_filter(_written, "own_time")
blueprint.add_app_template_filter(lambda at_ms: _written(at_ms, _DAY), "own_day")


def _withdraw(code: WithdrawalCode) -> Response:
    try:
        record_id = withdraw_by_code(runtime(), code)
    except CodeWrong:
        try:
            state().code_attempts.spend()
        except ProblemError as error:
            return _form("slow", str(code), status=429, retry_after=int(error.extra["retry_after"]))
        return _form("unknown", str(code), status=404)
    evidence = runtime().registry.evidence(record_id)
    page = render_template(
        "withdrawn.html",
        chain=verify_chain(evidence.documents),
        documents=[name for name in DOCUMENTS if name in documents(evidence)],
        ticket=_ticket(record_id, runtime().now_ms() + TICKET_MS),
    )
    return _private(page)


def _form(trouble: str = "", typed: str = "", *, status: int = 200, retry_after: int | None = None) -> Response:
    page = render_template("withdraw.html", trouble=trouble, typed=typed, wait=retry_after)
    response = _private(page, status)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _private(page: str, status: int = 200) -> Response:
    response = make_response(page, status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _ticket(record_id: str, expires_ms: int) -> str:
    said = f"{record_id}.{expires_ms}"
    return f"{said}.{_mac(said)}"


def _record_of(ticket: str) -> str | None:
    said, _, mac = ticket.rpartition(".")
    record_id, _, expires = said.partition(".")
    if not hmac.compare_digest(mac.encode(), _mac(said).encode()) or not expires.isdigit():
        return None
    return record_id if runtime().now_ms() < int(expires) else None


def _mac(said: str) -> str:
    raw = hmac.digest(derive(runtime().operator_key, "withdrawal documents"), said.encode(), "sha256")
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
