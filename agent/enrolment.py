"""Joining: from the operator's link to a consent in force.

Rules:

* The link carries the thumbprint of the operator's key. A notice that is not signed by that key is not shown.
* Fetching the notice is one GET that says nothing about the machine. Nothing is made or written before the yes.
* After the yes the signed record is stored before it is sent. Should the answer get lost on the way, the same command
  sends the same record again, and the server gives the same receipt: no second instance, no second use of the invite.
* A record that the server refuses for good is removed together with its key. A receipt that does not verify, or that
  names another server, never comes into force.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlsplit

from agent.client import call, check_origin
from agent.documents import Enrolment, discard, load, load_enrolment, store, store_enrolment
from agent.errors import ConfigError, NoConsent, Refused, ServerUnreachable
from agent.paths import AgentPaths
from agent.phrases import PHRASES
from consent import __version__
from consent.catalogue import TABLES
from consent.chain import verify_offer, verify_receipt, verify_record
from consent.document import to_payload
from consent.errors import ChainBroken, NoticeError, OtherKey
from consent.notice import NOTICE_ID, Notice, check_complete, parse
from consent.record import Choices, Client, ConsentRecord, Offer, Receipt
from consent.record_rules import make_record
from consent.signature import Typ, create_key_file, sign
from consent.wire import Problem

if TYPE_CHECKING:
    import httpx

NOTICE_PATH = "/api/v1/notice"
CONSENTS_PATH = "/api/v1/consents"
_TRY_AGAIN = {Problem.SLOW_DOWN, Problem.UNAVAILABLE, Problem.STORAGE_FULL, Problem.INTERNAL}


@dataclass(frozen=True, slots=True)
class Link:
    """An enrolment link: where the server is, the thumbprint of the operator's key, and an invite if one is needed."""

    origin: str
    thumbprint: str
    invite: str | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A verified and complete notice, as it came (``compact``) and as values. ``server_time`` is in ms."""

    compact: str
    offer: Offer
    notice: Notice
    nonce: str
    locales: tuple[str, ...]
    server_time: int


def parse_link(url: str) -> Link:
    """``https://host/#k=<thumbprint>&i=<invite>``. Raises ConfigError that says what is missing."""
    try:
        parts = urlsplit(url.strip())
    except ValueError as error:
        raise ConfigError(f"{url[:200]!r} is not an enrolment link; it looks like 'https://host/#k=...'") from error
    if parts.path not in ("", "/") or parts.query or not parts.netloc:
        raise ConfigError(f"{url[:200]!r} is not an enrolment link; it looks like 'https://host/#k=...'")
    origin = check_origin(f"{parts.scheme}://{parts.netloc}")
    pairs = parse_qsl(parts.fragment, keep_blank_values=True)
    values = dict(pairs)
    if not re.fullmatch(r"[A-Za-z0-9_-]{43}", values.get("k", "")):
        raise ConfigError(
            "the link lacks the operator's key after #k=, so the text could not be checked; "
            "put the whole link in quotes, as you got it"
        )
    invite = values.get("i")
    if invite is not None and not re.fullmatch(r"[A-Za-z0-9._~-]{1,200}", invite):
        raise ConfigError("the invite after &i= in the link is damaged; put the whole link in quotes, as you got it")
    if len(pairs) != len(values) or set(values) - {"k", "i"}:
        raise ConfigError("the link has parts that are not known here; a newer agent may be needed")
    return Link(origin, values["k"], invite)


def link_of_consent(paths: AgentPaths) -> Link:
    """The server and the operator's key of the consent on this machine. Raises NoConsent, ConsentError."""
    record_jws, enrolment = load(paths.record), load_enrolment(paths)
    if record_jws is None or enrolment is None:
        raise NoConsent("there is no consent on this machine; give the operator's link: sysmetric consent notice URL")
    record, _ = verify_record(record_jws)
    return Link(enrolment.url, record.controller.key_thumbprint, None)


def fetch_proposal(client: "httpx.Client", link: Link, locale: str | None, *, insist: bool = False) -> Proposal:
    """Get the notice, in ``locale`` if the server has it, and check it; with ``insist`` another language is an error.

    Raises ServerUnreachable, Refused, ConsentError.
    """
    try:
        answer = call(client, "GET", NOTICE_PATH + (f"?locale={quote(locale)}" if locale else ""))
    except Refused as error:
        if insist or not locale or error.problem not in (Problem.NOT_FOUND, Problem.INVALID_REQUEST):
            raise
        answer = call(client, "GET", NOTICE_PATH)
    return check_proposal(answer, link.thumbprint)


def check_proposal(answer: dict[str, Any], thumbprint: str) -> Proposal:
    """The server's answer as a proposal that may be shown. Raises ConsentError, ServerUnreachable."""
    compact, nonce, locales = answer.get("notice"), answer.get("nonce"), answer.get("locales")
    server_time = answer.get("server_time")
    if not isinstance(compact, str) or not isinstance(nonce, str) or not isinstance(locales, list):
        raise ServerUnreachable("the answer holds no notice; is the link that of a sysmetric server?")
    if not isinstance(server_time, int) or isinstance(server_time, bool):
        raise ServerUnreachable("the answer holds no time; is the link that of a sysmetric server?")
    try:
        offer = verify_offer(compact, thumbprint)
    except OtherKey as error:
        raise OtherKey(
            "the text is signed by another key than the one in the link, so it is not shown; "
            "put the whole link in quotes, as you got it, or ask the operator for it again"
        ) from error
    notice = parse(offer.text)
    check_complete(notice)
    told = (notice.id, str(notice.version), notice.locale)
    if told != (offer.notice.id, offer.notice.version, offer.notice.locale) or notice.id != NOTICE_ID:
        raise NoticeError("the text of the notice says that it is another one; nothing was agreed to")
    _check_offered(offer)
    return Proposal(compact, offer, notice, nonce, tuple(str(each) for each in locales if each in PHRASES), server_time)


def sign_record(
    paths: AgentPaths,
    link: Link,
    proposal: Proposal,
    choices: Choices,
    *,
    now_ms: int,
    new_uuid: Callable[[], str],
) -> None:
    """After the yes: make a key, sign, and store the pending enrolment. Leaves nothing if it fails.

    Raises ConsentError, AgentError.
    """
    paths.prepare()
    discard(paths)  # what a power cut left of an earlier attempt
    try:
        key = create_key_file(paths.key)
        record = make_record(
            proposal.offer,
            choices,
            record_id=new_uuid(),
            instance_id=new_uuid(),
            nonce=proposal.nonce,
            client=Client("sysmetric", __version__),
            now_ms=now_ms,
        )
        store(paths.notice, proposal.compact)
        store_enrolment(paths, Enrolment(link.origin, link.invite))
        store(paths.record, sign(to_payload(record), key, Typ.RECORD))
    except BaseException:
        discard(paths)
        raise


def confirm(paths: AgentPaths, client: "httpx.Client") -> tuple[ConsentRecord, Receipt]:
    """Send the pending record and bring the receipt into force. Repeating it is safe.

    Raises ServerUnreachable (the enrolment stays pending), Refused (it is gone), ConsentError (it stays pending).
    """
    record_jws, enrolment = load(paths.record), load_enrolment(paths)
    if record_jws is None or enrolment is None:
        raise NoConsent("there is no enrolment to complete; run: sysmetric consent give URL")
    record, _ = verify_record(record_jws)
    try:
        answer = call(client, "POST", CONSENTS_PATH, {"record": record_jws, "invite": enrolment.invite})
    except Refused as error:
        if error.problem in _TRY_AGAIN:
            raise ServerUnreachable(f"{error}; {_PENDING}") from error
        discard(paths)
        raise
    except ServerUnreachable as error:
        raise ServerUnreachable(f"{error}; {_PENDING}") from error
    receipt_jws = answer.get("receipt")
    if not isinstance(receipt_jws, str):
        raise ServerUnreachable(f"the answer holds no receipt; {_PENDING}")
    receipt = verify_receipt(receipt_jws, record, record_jws)
    if receipt.origin != enrolment.url:
        raise ChainBroken(f"the receipt is for {receipt.origin[:200]}, not for {enrolment.url}, so nothing is sampled")
    store(paths.receipt, receipt_jws)
    store_enrolment(paths, Enrolment(enrolment.url, None))
    return record, receipt


_PENDING = "your yes is kept and nothing is sampled until the server confirms it: run the same command again"


def _check_offered(offer: Offer) -> None:
    for entry in offer.offered:
        table = TABLES.get(entry.table)
        if table is None or entry.columns != tuple(column.name for column in table.columns) or entry.period_seconds < 1:
            raise NoticeError(
                f"the notice asks for figures ({entry.table[:20]!r}) that this version of the agent does not know; "
                "update it and try again"
            )
    if not offer.offered or len({entry.table for entry in offer.offered}) != len(offer.offered):
        raise NoticeError("the notice asks for no figures, or for some of them twice")
