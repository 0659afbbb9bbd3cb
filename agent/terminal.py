"""A terminal to talk to a person on: what is shown, what is typed, and whether there is a person at all.

Rules:

* Questions need a terminal on both sides; a pipe is not a person. ``DO_NOT_TRACK`` is an answer, and it is no.
* The end of input, Ctrl-C and a lone ``q`` leave, everywhere and without a trace.
"""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.text import Text

from agent.do_not_track import says_no
from agent.errors import NoConsent
from agent.untrusted import clean_line

WIDEST = 92


@dataclass(frozen=True, slots=True)
class Terminal:
    """``read_line`` gives what was typed, without the line break, and raises EOFError at the end of input."""

    console: Console
    read_line: Callable[[], str]
    monotonic: Callable[[], float]

    @property
    def width(self) -> int:
        """Columns to use: wide lines are hard to read."""
        return min(self.console.width, WIDEST)

    def show(self, *renderables: RenderableType) -> None:
        """Print below one another."""
        self.console.print(Group(*renderables), width=self.width)

    def question(self, label: Text) -> str:
        """Ask on one line; the answer in lower case without surrounding space. Raises EOFError to leave."""
        self.console.print(Text.assemble("\n ", label, (" › ", "bold cyan")), end="", soft_wrap=True)
        answer = clean_line(self.read_line()).casefold()
        if answer == "q":
            raise EOFError
        return answer


def open_terminal() -> Terminal:
    """The terminal of this process."""
    return Terminal(Console(highlight=False), input, time.monotonic)


def check_not_refused(environ: Mapping[str, str]) -> None:
    """Raise NoConsent where ``DO_NOT_TRACK`` says no for every program on this machine."""
    if says_no(environ):
        raise NoConsent("DO_NOT_TRACK is set, and that means no. Nothing was sent or written.")


def is_interactive(stdin: TextIO | None = None, stdout: TextIO | None = None) -> bool:
    """Whether both sides are a terminal."""
    return all(
        stream is not None and not stream.closed and stream.isatty()
        for stream in (stdin or sys.stdin, stdout or sys.stdout)
    )
