"""``sysmetric consent give``: the one command that can lead to a yes."""

# pylint: disable=import-outside-toplevel  # importing a command must stay cheap: see agent.commands

import os
from typing import TYPE_CHECKING, Annotated

import typer

from agent.clock import clock_ms
from agent.commands.terminal import AsJson, print_json, say
from agent.paths import AgentPaths

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.enrolment import Link, Proposal
    from consent.record import Choices, ConsentRecord, Receipt
    from consent.withdrawal_code import WithdrawalCode

Url = Annotated[str, typer.Argument(metavar="URL", help="The operator's link, in quotes: 'https://host/#k=...'.")]
Locale = Annotated[str | None, typer.Option(help="Language of the text: en or pl. Default: that of the environment.")]


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


def _join(
    link: "Link", locale: str | None, choose: "Callable[[Proposal], Choices | None]"
) -> "tuple[ConsentRecord, Receipt] | None":
    from agent import giving
    from agent.client import open_client
    from agent.phrases import wished_locale

    wished = locale or wished_locale(os.environ)
    with open_client(link.origin) as client:
        return giving.give(
            AgentPaths.from_environment(),
            client,
            link,
            wished,
            choose,
            now_ms=clock_ms,
            insist_on_locale=locale is not None,
        )


def _leave_code() -> "WithdrawalCode | None":
    """The withdrawal code of a consent that has just come into force, or None: it holds without one."""
    from agent.documents import active_consent
    from agent.errors import AgentError
    from agent.leaving import leave_withdrawal
    from consent.errors import ConsentError

    paths = AgentPaths.from_environment()
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
