"""The ceremony, played from beginning to end with what a person might type."""

import dataclasses

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent import prompt
from agent.phrases import ENGLISH, PHRASES, POLISH
from consent.notice import parse
from consent.record import Choices, Method, Offer, Quiz
from tests.agent.operator_server import make_offer, make_text
from tests.agent.screens import Screen
from tests.consents import NOW_MS

KEY = Ed25519PrivateKey.generate()
OFFERS = {locale: make_offer(KEY, make_text(locale)) for locale in PHRASES}
ORIGIN = "https://metrics.example.org"
QUIZ = ["2", "3", "1"]


def play(screen: Screen, locale: str = "en", offer: Offer | None = None) -> Choices | None:
    chosen = OFFERS[locale] if offer is None else offer
    return prompt.ask(
        chosen, parse(chosen.text), ORIGIN, terminal=screen.terminal, words=PHRASES[locale], now_ms=NOW_MS
    )


def test_a_yes_to_some_tables() -> None:
    screen = Screen(["g", "y", "n", "YES", "2", *QUIZ, "yes"])
    choices = play(screen)
    assert choices is not None
    assert choices.granted == {"cpu", "disk"}
    assert choices.term_days == 182
    ceremony = choices.ceremony
    assert (ceremony.method, ceremony.tty, ceremony.quiz) == (Method.PROMPT, True, Quiz.PASSED)
    assert ceremony.seconds == 7


def test_in_polish() -> None:
    screen = Screen(["d", "t", "tak", "", "1", *QUIZ, "TAK"])
    choices = play(screen, "pl")
    assert choices is not None and choices.granted == {"cpu", "memory"} and choices.term_days == 365
    assert "Wykres" not in screen.text.split("Ryzyko")[0] and "Sam Enter oznacza" in screen.text
    assert "Share" not in screen.text


def test_the_first_screen_says_it_all_within_80_by_24() -> None:
    for locale, offer in OFFERS.items():
        screen = Screen([], width=80)
        assert play(screen, locale, offer) is None
        assert len(screen.text.strip().splitlines()) <= 23, "it must fit with the line where one types"
        for needed in ("Example Lab", "privacy@example.org", ORIGIN, "49", "sysmetric consent revoke"):
            assert needed in screen.words
        assert offer.controller.key_thumbprint in screen.words


def test_the_last_screen_says_exactly_what_is_signed() -> None:
    screen = Screen(["g", "y", "", "y", "10d", *QUIZ, ""])
    assert play(screen) is None
    last = screen.words.split("This is what you sign")[1]
    assert "cpu ✔ yes" in last and "memory ✘ no" in last and "disk ✔ yes" in last
    assert "in 10 days" in last and OFFERS["en"].notice.sha256 in last and "Example Lab" in last
    assert "Type yes to sign" in last


@pytest.mark.parametrize("word", ["", "y", "no", "yes!", "yess", "tak", "q", "ok", "1"])
def test_only_the_word_signs(word: str) -> None:
    assert play(Screen(["g", "y", "y", "y", "1", *QUIZ, word])) is None


def test_no_to_every_table_asks_nothing_more() -> None:
    screen = Screen(["g", "n", "", "no", "1", *QUIZ, "yes"])
    assert play(screen) is None
    assert "You said no to everything" in screen.words
    assert screen.asked == 4


def test_enter_all_the_way_is_a_no() -> None:
    screen = Screen([""] * 30)
    assert play(screen) is None
    assert screen.asked == 1


def test_the_same_key_held_down_is_a_no() -> None:
    for key in ("y", "yes", "t", "1", "g", "r"):
        assert play(Screen([key] * 60)) is None, key


FULL = ["g", "y", "y", "y", "1", *QUIZ, "yes"]


@pytest.mark.parametrize("end", [EOFError, KeyboardInterrupt])
@pytest.mark.parametrize("after", range(len(FULL)))
def test_leaving_at_every_step_is_a_no(after: int, end: type[BaseException]) -> None:
    assert play(Screen(FULL[:after], end)) is None
    assert play(Screen([*FULL[:after], "q", *FULL[after:]])) is None


def test_the_full_list_of_answers_is_a_yes() -> None:
    assert play(Screen(FULL)) is not None


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from(["", "y", "n", "g", "r", "e", "q", "1", "2", "3", "10d", "no", "tak", "☃"]), max_size=14)
)
def test_without_the_last_word_there_is_never_a_yes(answers: list[str]) -> None:
    assert play(Screen(answers)) is None


def test_an_unclear_answer_is_asked_again() -> None:
    screen = Screen(["x", "g", "maybe", "y", "n", "n", "0", "13", "366d", "d", "1", *QUIZ, "yes"])
    choices = play(screen)
    assert choices is not None and choices.granted == {"cpu"}
    assert "Please type y or n." in screen.words
    assert screen.words.count("Please type 1, 2, 3, 4 or a number of days") == 4


@pytest.mark.parametrize(
    ("answer", "days"),
    [("1", 365), ("2", 182), ("3", 91), ("4", 30), ("5", None), ("0", None), ("1d", 1), ("365d", 365), ("366d", None)]
    + [
        ("90 d", 90),
        ("", None),
        ("d", None),
        ("-1d", None),
        ("01d", None),
        ("1e2d", None),
        ("²", None),
        ("1000d", None),
    ],
)
def test_terms(answer: str, days: int | None) -> None:
    assert prompt.parse_term(answer, ENGLISH) == days == prompt.parse_term(answer, POLISH)


def test_the_full_text_can_be_read_page_by_page() -> None:
    screen = Screen(["r", *[""] * 40, "q"], height=20)
    assert play(screen) is None
    for section in parse(OFFERS["en"].text).sections:
        assert section.title in screen.text
    assert OFFERS["en"].notice.sha256 in screen.text
    assert "100 %" in screen.text


def test_reading_can_go_back_and_end() -> None:
    screen = Screen(["r", "", "b", "e", "q"], height=20)
    assert play(screen) is None
    assert screen.asked == 5
    assert screen.words.count("Who is responsible") == 2


@pytest.mark.parametrize(
    "trick",
    [
        "<!-- WE SELL IT -->",
        "\n\n<!--\nWE SELL IT\n-->\n\n",
        "\n\n<div hidden='WE SELL IT'>\n\n",
        "[our rules](https://lab.example 'WE SELL IT')",
        "![a picture](x.png 'WE SELL IT')",
        "\n\n[rules]: https://lab.example 'WE SELL IT'\n\n",
        "\n\n```text WE SELL IT\ncode\n```\n\n",
        "\n\n~~~ WE SELL IT\ncode\n~~~\n\n",
    ],
)
def test_no_word_that_is_signed_is_hidden(trick: str) -> None:
    head, mark, rest = make_text().partition(" {#risks}\n")
    screen = Screen(["r", "e", "q"], height=2000)
    assert play(screen, offer=make_offer(KEY, f"{head}{mark}\n{trick}\n\n{rest}")) is None
    assert "WE SELL IT" in " ".join(screen.words.split())


def test_hostile_words_of_the_server_stay_words() -> None:
    evil = "\x1b]52;c;AAAA\x07[bold red]Lab[/] \u202egnp"
    text = make_text().replace("Example Lab", "[bold red]Lab[/] [x](https://evil.example)")
    offer = dataclasses.replace(
        make_offer(KEY, text),
        controller=dataclasses.replace(OFFERS["en"].controller, name=evil, contact="a\nb"),
        offered=tuple(dataclasses.replace(entry, purpose=evil) for entry in OFFERS["en"].offered),
    )
    screen = Screen(["r", "e", *FULL])
    assert play(screen, offer=offer) is not None
    assert not {"\x1b", "\x07", "\u202e"} & set(screen.text)
    assert "[bold red]Lab[/]" in screen.text
