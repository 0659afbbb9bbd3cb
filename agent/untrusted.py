"""Text that another machine wrote, made safe to show on a terminal.

Rules:

* Escape sequences (ANSI, OSC 8 links, OSC 52 clipboard), control characters, bidirectional marks and invisible
  characters are removed, so that what is shown is what is signed and nothing can move the cursor or hide a word.
* Whoever shows the result uses ``rich.text.Text`` or ``Markdown``, never Rich's markup.
"""

import re

_ESCAPES = re.compile(
    r"(?:\x1b\]|\x9d|\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|\Z)"  # OSC, DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[ -/]*[0-~]"  # the rest
)


def clean(text: str) -> str:
    """``text`` with its line breaks and nothing else that does not print; a tab becomes a space."""
    without = _ESCAPES.sub("", text.replace("\r\n", "\n"))
    return "".join(letter for letter in without.replace("\t", " ") if letter.isprintable() or letter == "\n")


def clean_line(text: str, longest: int = 300) -> str:
    """``clean`` on one line of at most ``longest`` characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
