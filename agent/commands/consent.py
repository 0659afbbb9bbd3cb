"""``sysmetric consent``: give, show, receipt, verify, revoke, code, notice."""

# pylint: disable=import-outside-toplevel  # importing a command must stay cheap: see agent.commands

import os
from typing import TYPE_CHECKING, Annotated

import typer

from agent.clock import clock_ms
from agent.commands.terminal import AsJson, print_json, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.enrolment import Link, Proposal
    from agent.paths import AgentPaths
    from consent.chain import Documents
    from consent.record import Choices, ConsentRecord, Receipt
    from consent.withdrawal_code import WithdrawalCode

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
Url = Annotated[str, typer.Argument(metavar="URL", help="The operator's link, in quotes: 'https://host/#k=...'.")]
Locale = Annotated[str | None, typer.Option(help="Language of the text: en or pl. Default: that of the environment.")]


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    parent.add_typer(app, name="consent", help="Read the agreement, decide, look it up, take it back.")


@app.command()
def give(  # pylint: disable=too-many-positional-arguments  # one per option, as Typer wants them
    url: Url,
    locale: Locale = None,
    accept_notice: Annotated[
        str | None, typer.Option(metavar="SHA256", help="Agree without a terminal to the text with this hash.")
    ] = None,
    grant: Annotated[
        list[str] | None, typer.Option(metavar="TABLE", help="With --accept-notice: cpu, memory or disk; repeatable.")
    ] = None,
    term_days: Annotated[
        int | None, typer.Option(metavar="N", help="With --accept-notice: the term in days, 365 if not given.")
    ] = None,
    no_input: Annotated[
        bool, typer.Option("--no-input", help="Never ask; without --accept-notice it is a no.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """
    Show the agreement and ask. Nothing is made, read or sent before your yes.

    \b
    Examples:
      sysmetric consent give 'https://host/#k=...'
      sysmetric consent give 'https://host/#k=...' --locale pl
      sysmetric consent give 'https://host/#k=...' --accept-notice SHA256 --grant cpu --grant memory --term-days 90
    """
    from agent import consent_view, giving
    from agent.enrolment import parse_link

    link = parse_link(url)
    flags = giving.check_flags(accept_notice, grant or [], term_days)
    tty = giving.check_may_ask(flags, no_input=no_input, environ=os.environ)

    def choose(proposal: "Proposal") -> "Choices | None":
        _warn_of_clock(proposal.server_time - clock_ms())
        return _ask(proposal, link.origin) if flags is None else giving.by_flags(proposal, flags, tty)

    joined = _join(link, locale, choose)
    if joined is None:
        raise typer.Exit(3)
    if as_json:
        print_json(consent_view.given_json(*joined, _leave_code()))
    else:
        consent_view.print_people(consent_view.given(*joined, _leave_code()))


@app.command()
def show(as_json: AsJson = False) -> None:
    """
    Show what you agreed to, and where it stands.

    \b
    Examples:
      sysmetric consent show
      sysmetric consent show --json
    """
    from agent import consent_view
    from agent.documents import GIVE, load, standing
    from agent.errors import NoConsent
    from agent.leaving import code_made_ms
    from agent.withdrawal import origin_of
    from consent.chain import verify_record

    paths = _paths()
    record_jws = load(paths.record)
    if record_jws is None:
        raise NoConsent(f"there is no consent on this machine; to read and decide: {GIVE}")
    record, _ = verify_record(record_jws)
    view = (record, standing(paths, clock_ms()), origin_of(paths), code_made_ms(paths, record.record_id))
    if as_json:
        print_json(consent_view.consent_json(*view))
    else:
        consent_view.print_people(consent_view.consent(*view))


@app.command()
def receipt(as_json: AsJson = False) -> None:
    """
    Show the receipts that the operator signed.

    \b
    Examples:
      sysmetric consent receipt
      sysmetric consent receipt --json | jq -r .receipt_jws
    """
    from agent import consent_view
    from consent.chain import verify_chain
    from consent.document import to_payload

    documents = _documents()
    chain = verify_chain(documents)
    if as_json:
        erasure = chain.erasure_receipt
        print_json(
            {
                "receipt": to_payload(chain.receipt),
                "receipt_jws": documents.receipt,
                "erasure_receipt": None if erasure is None else to_payload(erasure),
                "erasure_receipt_jws": documents.erasure_receipt,
            }
        )
    else:
        consent_view.print_people(consent_view.receipts(chain.receipt, chain.erasure_receipt))


@app.command()
def verify(as_json: AsJson = False) -> None:
    """
    Check every signature and every link between the documents, without a network.

    \b
    Examples:
      sysmetric consent verify
      sysmetric consent verify --json
    """
    from agent import consent_view
    from agent.verification import check_links, thumbprint_of_key

    paths = _paths()
    documents = _documents()
    links = check_links(documents, thumbprint_of_key(paths, documents))
    if as_json:
        print_json(consent_view.verified_json(links))
    else:
        consent_view.print_people(consent_view.verified(links))
    broken = next((link for link in links if link.problem is not None), None)
    if broken is not None:
        say(f"sysmetric: the chain is broken at: {broken.name}")
        raise typer.Exit(1)


@app.command()
def revoke(as_json: AsJson = False) -> None:
    """
    Withdraw: stop at once, erase everything here and on the server. Works offline; may be repeated.

    \b
    Examples:
      sysmetric consent revoke
    """
    from agent import consent_view
    from agent.client import open_client
    from agent.documents import load
    from agent.errors import ServerUnreachable
    from agent.phrases import phrases_for
    from agent.withdrawal import deliver_withdrawal, origin_of
    from agent.withdrawal import revoke as stop_here
    from consent.chain import verify_record

    paths = _paths()
    stop_here(paths, clock_ms())
    words = phrases_for(verify_record(load(paths.record) or "")[0].notice.locale)
    try:
        with open_client(origin_of(paths)) as client:
            erasure = deliver_withdrawal(paths, client, clock_ms())
    except ServerUnreachable as error:
        raise ServerUnreachable(f"{words.not_delivered} ({error})") from error
    if as_json:
        print_json(consent_view.revoked_json(erasure))
    else:
        consent_view.print_people(consent_view.revoked(erasure, words))


@app.command()
def code(
    new: Annotated[
        bool, typer.Option("--new", help="Make a new code; the old one opens nothing from then on.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """
    Say whether there is a withdrawal code for the day this machine is lost, or make a new one.

    \b
    Examples:
      sysmetric consent code
      sysmetric consent code --new
    """
    from agent import consent_view, leaving
    from agent.documents import active_consent
    from agent.phrases import phrases_for
    from consent.chain import verify_record

    paths = _paths()
    consent = active_consent(paths, clock_ms())
    words = phrases_for(verify_record(_documents().record)[0].notice.locale)
    if new:
        made = leaving.leave_withdrawal(paths, consent, clock_ms)
        if as_json:
            print_json(consent_view.code_json(made, consent.origin))
        else:
            consent_view.print_people(consent_view.code_panel(made, consent.origin, words))
        return
    made_ms = leaving.code_made_ms(paths, consent.record_id)
    if as_json:
        print_json({"made": made_ms})
    else:
        consent_view.print_people(consent_view.code_kept(made_ms, words))


@app.command()
def notice(
    url: Annotated[
        str | None, typer.Argument(metavar="[URL]", help="The operator's link; without it, the server you agreed with.")
    ] = None,
    locale: Locale = None,
    as_json: AsJson = False,
) -> None:
    """
    Print the full agreement and its SHA-256. Asks nothing, sends nothing but the request for the text.

    \b
    Examples:
      sysmetric consent notice 'https://host/#k=...' --locale pl
      sysmetric consent notice 'https://host/#k=...' --json
      sysmetric consent notice               the text in force at the server you agreed with
    """
    from agent import consent_view, notice_view
    from agent.client import open_client
    from agent.enrolment import fetch_proposal, link_of_consent, parse_link
    from agent.phrases import phrases_for, wished_locale

    link = parse_link(url) if url is not None else link_of_consent(_paths())
    with open_client(link.origin) as client:
        proposal = fetch_proposal(client, link, locale or wished_locale(os.environ), insist=locale is not None)
    if as_json:
        print_json(consent_view.notice_json(proposal))
        return
    words = phrases_for(proposal.notice.locale)
    consent_view.print_people(
        notice_view.summary(proposal.offer, proposal.notice, link.origin, words),
        notice_view.full_text(proposal.offer, proposal.notice, words),
    )


def _join(
    link: "Link", locale: str | None, choose: "Callable[[Proposal], Choices | None]"
) -> "tuple[ConsentRecord, Receipt] | None":
    from agent import giving
    from agent.client import open_client
    from agent.phrases import wished_locale

    wished = locale or wished_locale(os.environ)
    with open_client(link.origin) as client:
        return giving.give(_paths(), client, link, wished, choose, now_ms=clock_ms, insist_on_locale=locale is not None)


def _leave_code() -> "WithdrawalCode | None":
    """The withdrawal code of a consent that has just come into force, or None: it holds without one."""
    from agent.documents import active_consent
    from agent.errors import AgentError
    from agent.leaving import leave_withdrawal
    from consent.errors import ConsentError

    paths = _paths()
    try:
        return leave_withdrawal(paths, active_consent(paths, clock_ms()), clock_ms)
    except (AgentError, ConsentError) as error:
        say(f"sysmetric: there is no withdrawal code yet ({error}); to get one: sysmetric consent code --new")
        return None


def _ask(proposal: "Proposal", origin: str) -> "Choices | None":
    from agent.notice_view import note
    from agent.phrases import phrases_for
    from agent.prompt import ask
    from agent.terminal import open_terminal

    terminal = open_terminal()
    words = phrases_for(proposal.notice.locale)
    choices = ask(proposal.offer, proposal.notice, origin, terminal=terminal, words=words, now_ms=clock_ms())
    if choices is None:
        terminal.show(note(words.left))
    return choices


def _warn_of_clock(ahead_ms: int) -> None:
    if abs(ahead_ms) > 60_000:
        say(
            f"sysmetric: this machine's clock is {abs(ahead_ms) // 1000} s {'behind' if ahead_ms > 0 else 'ahead of'} "
            "the server's; it is better to set it"
        )


def _documents() -> "Documents":
    from agent.documents import GIVE, is_pending, load_documents
    from agent.errors import NoConsent

    paths = _paths()
    documents = load_documents(paths)
    if documents is None:
        if is_pending(paths):
            raise NoConsent(f"you agreed, but the server has not confirmed it yet; run once more: {GIVE}")
        raise NoConsent(f"there is no consent on this machine; to read and decide: {GIVE}")
    return documents


def _paths() -> "AgentPaths":
    from agent.paths import AgentPaths

    return AgentPaths.from_environment()
