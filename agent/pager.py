"""A pager of our own: the same on every system, and no program of the environment sees or alters the text.

Enter turns the page, ``b`` turns back, ``e`` ends the reading. At the end of the text the reading ends by itself.
"""

from rich.console import RenderableType
from rich.segment import Segment, Segments

from agent.notice_view import inline
from agent.phrases import Phrases
from agent.terminal import Terminal

_FOOT_LINES = 3


def read_through(text: RenderableType, terminal: Terminal, words: Phrases) -> None:
    """Show ``text`` page by page. Raises EOFError when the reader leaves altogether."""
    console = terminal.console
    lines = console.render_lines(text, console.options.update(width=terminal.width), pad=False)
    height = max(console.height - _FOOT_LINES, 5)
    starts = range(0, max(len(lines), 1), height)
    page = 0
    while page < len(starts):
        console.clear()
        shown = lines[starts[page] : starts[page] + height]
        console.print(Segments([segment for line in shown for segment in [*line, Segment.line()]]), end="")
        seen = min(starts[page] + height, len(lines)) * 100 // max(len(lines), 1)
        answer = terminal.question(inline(words.pager.format(seen=seen), "dim"))
        if answer == words.pager_end:
            return
        page = max(page - 1, 0) if answer == words.pager_back else page + 1
