"""``sysmetric consent``: give, show, receipt, verify, revoke, code, notice."""

# pylint: disable=import-outside-toplevel  # importing a command must stay cheap: see agent.commands

import os
from typing import TYPE_CHECKING, Annotated

import typer

from agent.clock import clock_ms
from agent.commands.consent_give import Locale, give
from agent.commands.terminal import AsJson, print_json, say

if TYPE_CHECKING:
    from agent.paths import AgentPaths
    from consent.chain import Documents

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.command()(give)


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    parent.add_typer(app, name="consent", help="Read the agreement, decide, look it up, take it back.")


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
