"""No way past a question but the right answer; leaving is always possible."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import quiz
from agent.phrases import ENGLISH, PHRASES
from consent.notice import Question, parse, template, versions
from tests.agent.screens import Screen

QUESTIONS = (
    Question("First?", ("no", "yes", "maybe"), 1, "Because of `this`."),
    Question("Second?", ("right", "wrong"), 0, "Because of that."),
)


def test_right_answers_pass() -> None:
    screen = Screen(["2", "1"])
    quiz.ask_all(QUESTIONS, screen.terminal, ENGLISH)
    assert screen.words.count("Right.") == 2


def test_a_wrong_answer_explains_and_asks_again() -> None:
    screen = Screen(["1", "3", "2", "1"])
    quiz.ask_all(QUESTIONS, screen.terminal, ENGLISH)
    assert screen.words.count("Not quite. Because of this.") == 2
    assert screen.asked == 4


def test_nothing_is_preselected() -> None:
    screen = Screen(["", "", " ", "0", "4", "12", "yes", "-1", "²", "١"])
    with pytest.raises(EOFError):
        quiz.ask_all(QUESTIONS, screen.terminal, ENGLISH)
    assert screen.words.count("Please type 1 2 3, or q to leave.") == 10
    assert "Right" not in screen.text


@pytest.mark.parametrize("leave", ["q", "Q", " q "])
def test_leaving(leave: str) -> None:
    screen = Screen(["2", leave, "1"])
    with pytest.raises(EOFError):
        quiz.ask_all(QUESTIONS, screen.terminal, ENGLISH)
    assert screen.asked == 2


def test_ctrl_c_leaves() -> None:
    with pytest.raises(KeyboardInterrupt):
        quiz.ask_all(QUESTIONS, Screen(["2"], KeyboardInterrupt).terminal, ENGLISH)


@given(st.lists(st.text(max_size=3), max_size=12))
def test_whatever_is_typed_only_the_right_answers_pass(answers: list[str]) -> None:
    screen = Screen(answers)
    try:
        quiz.ask_all(QUESTIONS, screen.terminal, ENGLISH)
    except EOFError:
        return
    given_answers = [answer.strip() for answer in answers[: screen.asked]]
    assert given_answers[-1] == "1" and "2" in given_answers[:-1]


@pytest.mark.parametrize("locale", PHRASES)
def test_the_published_questions_can_be_answered(locale: str) -> None:
    questions = parse(template(versions()[-1], locale)).quiz
    screen = Screen([str(question.answer + 1) for question in questions])
    quiz.ask_all(questions, screen.terminal, PHRASES[locale])
    assert screen.asked == 3


def test_a_hostile_question_is_shown_as_text() -> None:
    question = Question("\x1b[2J[bold]Q[/bold]?", ("\x1b]8;;https://evil.example\x1b\\a", "b"), 0, "e")
    screen = Screen(["1"])
    quiz.ask_all((question,), screen.terminal, ENGLISH)
    assert "\x1b" not in screen.text and "[bold]Q[/bold]?" in screen.text and "evil" not in screen.text
