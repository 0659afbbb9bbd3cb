"""Answers the consent prompt through a pseudo-terminal, as a person would."""

from typing import Any

import pexpect

from tests.processes import BIN

#: The right answers of notice 1.0.0, counted from 1.
RIGHT_ANSWERS = ("2", "3", "1")


class Ceremony:
    """``sysmetric consent give URL`` on a terminal of 40 by 100."""

    def __init__(self, url: str, environment: dict[str, str], *, wrapper: tuple[str, ...] = ()) -> None:
        command = [*wrapper, str(BIN / "sysmetric"), "consent", "give", url]
        self.terminal: Any = pexpect.spawn(
            command[0], command[1:], env=environment, encoding="utf-8", timeout=20, dimensions=(40, 100)
        )

    def see(self, text: str) -> None:
        """Wait until ``text`` (a pattern) is on the screen."""
        self.terminal.expect(text)

    def type(self, line: str) -> None:
        """Type a line and Enter."""
        self.terminal.sendline(line)

    def read_and_go_on(self) -> None:
        """The summary, then the full text to its end, then on."""
        self.see("leave")
        self.type("r")
        self.see("e.* end of reading")
        self.type("e")
        self.see("go on")
        self.type("g")

    def choose(self, **answers: str) -> None:
        """Yes or no per table, in the order of the notice."""
        for table, answer in answers.items():
            self.see(f"Share {table}\\?")
            self.type(answer)

    def term(self, answer: str = "1") -> None:
        """For how long."""
        self.see("Which term")
        self.type(answer)

    def answer_questions(self) -> None:
        """The first question wrong at first, which must not pass; then all right."""
        self.see("1\\. ")
        self.type("1")
        self.see("✘")
        for number, answer in enumerate(RIGHT_ANSWERS, 1):
            if number > 1:
                self.see(f"{number}\\. ")
            self.type(answer)
            self.see("✔")

    def sign(self, word: str = "yes") -> None:
        """The last question."""
        self.see("SHA-256")
        self.see("yes")
        self.type(word)

    def exit_code(self) -> int:
        """Wait for the end."""
        self.terminal.expect(pexpect.EOF)
        self.terminal.close()
        assert self.terminal.exitstatus is not None, f"ended by signal {self.terminal.signalstatus}"
        return int(self.terminal.exitstatus)
