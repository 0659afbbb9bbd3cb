"""The ceremony: a summary, the text, a yes or no per kind of figures, a term, three questions, and a word to type.

Rules:

* Nothing is preselected. Enter alone is a no to a question that has one, and is asked again where it has none.
* ``q``, the end of input and Ctrl-C leave at every step. Leaving returns None, and None leaves no trace.
* This module knows no network, no file and no key: it turns an ``Offer`` into ``Choices``, or into nothing.
"""

import re

from rich.text import Text

from agent import notice_view, quiz
from agent.clock import DAY_MS
from agent.notice_view import inline, note
from agent.pager import read_through
from agent.phrases import LONGEST_TERM_DAYS, Phrases
from agent.terminal import Terminal
from agent.times import utc_day
from consent.notice import Notice
from consent.record import Ceremony, Choices, Method, Offer, Offered, Quiz


def ask(
    offer: Offer, notice: Notice, origin: str, *, terminal: Terminal, words: Phrases, now_ms: int
) -> Choices | None:
    """The volunteer's choices, or None for a no. ``offer`` is verified; every table of it is in the catalogue."""
    began = terminal.monotonic()
    try:
        if not _start(offer, notice, origin, terminal, words):
            return None
        granted = _ask_tables(offer.offered, terminal, words)
        if not granted:
            terminal.show(Text(), note(words.nothing_granted))
            return None
        term_days = _ask_term(terminal, words, now_ms)
        quiz.ask_all(notice.quiz, terminal, words)
        if not _sign(offer, granted, term_days, terminal, words, now_ms):
            return None
    except (EOFError, KeyboardInterrupt):
        terminal.show(Text())
        return None
    seconds = max(int(terminal.monotonic() - began), 0)
    return Choices(granted, term_days, Ceremony(Method.PROMPT, True, seconds, Quiz.PASSED))


def _start(offer: Offer, notice: Notice, origin: str, terminal: Terminal, words: Phrases) -> bool:
    terminal.show(Text(), notice_view.summary(offer, notice, origin, words))
    while True:
        terminal.show(note(words.start_hint, "dim"))
        answer = terminal.question(inline(words.start_question))
        if answer == words.start_read:
            read_through(notice_view.full_text(offer, notice, words), terminal, words)
            terminal.show(Text(), notice_view.summary(offer, notice, origin, words))
        elif answer == words.start_go_on:
            return True
        elif not answer:
            return False


def _ask_tables(offered: tuple[Offered, ...], terminal: Terminal, words: Phrases) -> frozenset[str]:
    terminal.show(notice_view.step(words.step_tables), note(words.tables_hint, "dim"))
    granted = set()
    for entry in offered:
        terminal.show(Text(), notice_view.offered(entry, words))
        if _yes(words.table_question.format(table=entry.table), terminal, words):
            granted.add(entry.table)
    return frozenset(granted)


def _yes(question: str, terminal: Terminal, words: Phrases) -> bool:
    while True:
        answer = terminal.question(inline(question))
        if answer in words.yes:
            terminal.show(Text(f"   ✔ {words.granted}", "green"))
            return True
        if answer in words.no:
            terminal.show(Text(f"   ✘ {words.refused}", "red"))
            return False
        terminal.show(note(words.answer_yes_or_no, "dim", 3))


def _ask_term(terminal: Terminal, words: Phrases, now_ms: int) -> int:
    options = [
        Text.assemble(f"{name:<14}", (words.term_until.format(date=utc_day(now_ms + days * DAY_MS)), "dim"))
        for days, name in words.terms
    ]
    terminal.show(
        notice_view.step(words.step_term),
        note(words.term_hint, "dim"),
        Text(),
        notice_view.numbered(options),
        note(words.term_other, "dim", 4),
    )
    while True:
        days_chosen = parse_term(terminal.question(inline(words.term_question)), words)
        if days_chosen is not None:
            return days_chosen
        terminal.show(note(words.term_unknown, "dim", 3))


def parse_term(answer: str, words: Phrases) -> int | None:
    """Days of an answer: the number of a listed term, or days such as ``10d``; None for anything else."""
    if re.fullmatch(r"[1-9]", answer) and int(answer) <= len(words.terms):
        return words.terms[int(answer) - 1][0]
    match = re.fullmatch(r"([1-9][0-9]{0,2}) ?d", answer)
    if match and int(match[1]) <= LONGEST_TERM_DAYS:
        return int(match[1])
    return None


def _sign(
    offer: Offer, granted: frozenset[str], term_days: int, terminal: Terminal, words: Phrases, now_ms: int
) -> bool:
    terminal.show(
        notice_view.step(words.step_sign),
        notice_view.signing(offer, granted, now_ms + term_days * DAY_MS, term_days, words),
        note(words.sign_before),
        note(words.sign_after),
        note(words.sign_owner),
    )
    return terminal.question(inline(words.sign_question, "bold")) == words.sign
