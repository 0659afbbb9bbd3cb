"""The three questions that show whether the text was understood.

Rules: no answer is preselected; a wrong one explains and asks again; there is no way past a question but the right
answer, and leaving is always possible.
"""

from collections.abc import Sequence

from rich.text import Text

from agent.notice_view import inline, note, numbered, step
from agent.phrases import Phrases
from agent.terminal import Terminal
from consent.notice import Question


def ask_all(questions: Sequence[Question], terminal: Terminal, words: Phrases) -> None:
    """Ask each question until it is answered right. Raises EOFError when the volunteer leaves."""
    terminal.show(step(words.step_quiz), note(words.quiz_intro, "dim"))
    for number, question in enumerate(questions, 1):
        _ask(number, question, terminal, words)


def _ask(number: int, question: Question, terminal: Terminal, words: Phrases) -> None:
    options = [inline(option) for option in question.options]
    terminal.show(Text(), note(f"{number}. {question.question}", "bold"), numbered(options))
    keys = [str(index) for index in range(1, len(options) + 1)]
    shown = " ".join(f"`{key}`" for key in keys)
    while True:
        answer = terminal.question(inline(words.quiz_question.format(keys=shown)))
        if answer == keys[question.answer]:
            terminal.show(note(f"✔ {words.quiz_right}", "green", 4))
            return
        if answer in keys:
            terminal.show(note(f"✘ {words.quiz_wrong} {question.explanation}", "yellow", 4))
        else:
            terminal.show(note(words.quiz_unknown.format(keys=shown), "dim", 4))
