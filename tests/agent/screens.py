"""A terminal for tests: answers from a list, what was shown as plain text."""

import io
import itertools
from collections.abc import Iterable

from rich.console import Console

from agent.terminal import Terminal


class Screen:
    """``terminal`` to talk to; ``text`` is everything that was shown. After the last answer comes ``end``."""

    def __init__(
        self, answers: Iterable[str], end: type[BaseException] = EOFError, width: int = 100, height: int = 24
    ) -> None:
        self._file = io.StringIO()
        self._answers = iter(answers)
        self._end = end
        self.asked = 0
        console = Console(file=self._file, width=width, height=height, highlight=False, _environ={})
        seconds = itertools.count(0, 7)
        self.terminal = Terminal(console, self._read_line, lambda: float(next(seconds)))

    @property
    def text(self) -> str:
        """Everything that was shown so far."""
        return self._file.getvalue()

    @property
    def words(self) -> str:
        """The same with frames and line breaks taken out, to look for sentences."""
        return " ".join(self.text.replace("│", " ").split())

    def _read_line(self) -> str:
        self.asked += 1
        for answer in self._answers:
            return answer
        raise self._end
