"""``sysmetric consent give``, step by step: who may be asked, what is asked, and what a repeat means.

Rules:

* ``DO_NOT_TRACK`` and the lack of a terminal are looked at before any network; both mean no.
* Without a terminal the only way is the SHA-256 of the very text and a list of what is granted. The record says so.
* A machine takes part once. A new text (MAJOR), an expired, withdrawn or broken consent may be followed by a new one:
  the old documents are kept in ``former/``. An enrolment that waits for the server is completed, not repeated.
* Where the machine's clock is wrong, the record bears the server's time: else a machine could not join at all.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.documents import Standing, archive, discard, load, load_documents, load_enrolment, standing, valid_until_ms
from agent.enrolment import Link, Proposal, confirm, fetch_proposal, sign_record
from agent.errors import AgentError, ConfigError, NoConsent, ServerUnreachable
from agent.paths import AgentPaths
from agent.phrases import LONGEST_TERM_DAYS
from agent.terminal import check_not_refused, is_interactive
from agent.times import utc_day
from agent.withdrawal import deliver_withdrawal, purge
from consent.chain import verify_record
from consent.errors import ConsentError
from consent.notice import Version
from consent.record import Ceremony, Choices, ConsentRecord, Method, Quiz, Receipt
from consent.wire import CLOCK_SKEW_SECONDS

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class Unattended:
    """A yes given by flags: the SHA-256 of the text, the granted tables, the term in days."""

    notice_sha256: str
    granted: frozenset[str]
    term_days: int


def check_flags(accept_notice: str | None, grant: Sequence[str], term_days: int | None) -> Unattended | None:
    """The flags of the unattended way, or None for the prompt. Raises ConfigError for half of them."""
    if accept_notice is None:
        if grant or term_days is not None:
            raise ConfigError("--grant and --term-days go together with --accept-notice SHA256")
        return None
    if not grant:
        raise ConfigError("--accept-notice grants nothing by itself; add for example --grant cpu --grant memory")
    term = LONGEST_TERM_DAYS if term_days is None else term_days
    if not 1 <= term <= LONGEST_TERM_DAYS:
        raise ConfigError(f"--term-days must be from 1 to {LONGEST_TERM_DAYS}")
    return Unattended(accept_notice.strip().lower(), frozenset(grant), term)


def check_may_ask(flags: Unattended | None, *, no_input: bool, environ: Mapping[str, str]) -> bool:
    """Before any network: whether there is a terminal. Raises NoConsent where the answer is no already."""
    check_not_refused(environ)
    tty = is_interactive()
    if flags is None and (no_input or not tty):
        raise NoConsent(
            "there is no terminal to ask on, and that means no. Nothing was sent or written. "
            "To read the text and its SHA-256: sysmetric consent notice URL. "
            "To agree without a terminal: sysmetric consent give URL --accept-notice SHA256 --grant cpu --grant memory"
        )
    return tty


def by_flags(proposal: Proposal, flags: Unattended, tty: bool) -> Choices:
    """The choices that the flags stand for. Raises NoConsent if they are for another text, ConfigError."""
    if flags.notice_sha256 != proposal.offer.notice.sha256:
        raise NoConsent(
            "the server's text is not the one with that SHA-256, so nothing was agreed to; "
            "read the present one with: sysmetric consent notice URL"
        )
    unknown = flags.granted - {entry.table for entry in proposal.offer.offered}
    if unknown:
        offered = ", ".join(entry.table for entry in proposal.offer.offered)
        raise ConfigError(f"--grant {', '.join(sorted(unknown))[:100]}: the notice offers {offered}")
    return Choices(flags.granted, flags.term_days, Ceremony(Method.UNATTENDED, tty, 0, Quiz.NOT_ASKED))


def give(
    paths: AgentPaths,
    client: "httpx.Client",
    link: Link,
    locale: str | None,
    choose: Callable[[Proposal], Choices | None],
    *,
    now_ms: Callable[[], int],
    insist_on_locale: bool = False,
    new_uuid: Callable[[], str] = lambda: str(uuid.uuid4()),
) -> tuple[ConsentRecord, Receipt] | None:
    """Join, or complete a joining that waits; None for a no. Raises AgentError, ConsentError."""
    before = standing(paths, now_ms())
    if before is Standing.PENDING:
        return _complete(paths, client, link)
    if before is Standing.WITHDRAWN:
        _finish_withdrawal(paths, client, now_ms())
    proposal = fetch_proposal(client, link, locale, insist=insist_on_locale)
    ahead_ms = proposal.server_time - now_ms()
    if before is Standing.GIVEN:
        _check_superseded(paths, proposal)
    choices = choose(proposal)
    if choices is None:
        return None
    if before is not Standing.NONE:
        _put_away(paths, now_ms())
    signed_ms = now_ms() + (ahead_ms if abs(ahead_ms) > CLOCK_SKEW_SECONDS * 1000 else 0)
    sign_record(paths, link, proposal, choices, now_ms=signed_ms, new_uuid=new_uuid)
    return confirm(paths, client)


def _complete(paths: AgentPaths, client: "httpx.Client", link: Link) -> tuple[ConsentRecord, Receipt]:
    enrolment = load_enrolment(paths)
    if enrolment is None or enrolment.url != link.origin:
        where = "another server" if enrolment is None else enrolment.url
        raise AgentError(
            f"you agreed to take part at {where} and it has not confirmed yet; "
            "to give that up first, run: sysmetric consent revoke"
        )
    return confirm(paths, client)


def _finish_withdrawal(paths: AgentPaths, client: "httpx.Client", now_ms: int) -> None:
    """The old server has to be told before the key that can tell it is put away."""
    enrolment = load_enrolment(paths)
    if enrolment is None or enrolment.url != str(client.base_url).rstrip("/"):
        raise AgentError("your last withdrawal has still to reach its server; run: sysmetric consent revoke")
    try:
        deliver_withdrawal(paths, client, now_ms)
    except ServerUnreachable as error:
        raise ServerUnreachable(f"{error}; your last withdrawal has still to reach it") from error


def _check_superseded(paths: AgentPaths, proposal: Proposal) -> None:
    documents = load_documents(paths)
    if documents is None:
        return
    record, _ = verify_record(documents.record)
    if Version.parse(record.notice.version).major >= proposal.notice.version.major:
        until = valid_until_ms(documents, record)
        raise AgentError(
            f"this machine takes part already (until {utc_day(until)}); see: sysmetric consent show. "
            "To change your answers: sysmetric consent revoke, then give it again"
        )


def _put_away(paths: AgentPaths, now_ms: int) -> None:
    name = f"damaged-{now_ms}"
    try:
        record_jws = load(paths.record)
        if record_jws is None:
            discard(paths)
            return
        name = verify_record(record_jws)[0].record_id
    except ConsentError:
        pass  # it cannot be read, but it is still the volunteer's
    archive(paths, name)
    purge(paths)
