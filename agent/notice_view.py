"""How the parts of a notice look: the summary on one screen, the full text, one kind of figures, what is signed.

Rules: every word that came from the server goes through ``clean`` and into ``Text`` or ``Markdown``, never into markup;
links are shown as text, so that what is read is where it leads. What is signed is shown: no HTML comment, no title of a
link, no definition and no code fence hides a word. The column of labels is as wide as its widest label.
"""

import re
from collections.abc import Iterable, Mapping

from markdown_it import MarkdownIt
from rich import box
from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from agent.phrases import Phrases
from agent.times import utc_day
from agent.untrusted import clean, clean_line
from consent.catalogue import TABLES
from consent.notice import Notice
from consent.record import Offer, Offered

_CODE = re.compile(r"`([^`\n]+)`")
_LABELLED = re.compile(r"(?P<label>[^:]{1,14}): (?P<text>.+)", re.DOTALL)
_RISK = "yellow"
#: Without the parts of Markdown that can hold words and not show them.
_PARSER = MarkdownIt("commonmark", {"html": False}).disable(["reference", "link", "image", "fence"])


def inline(text: str, style: str = "") -> Text:
    """One paragraph of the server's with ```code``` set apart."""
    shown = Text(style=style)
    for index, part in enumerate(_CODE.split(clean(text).replace("\n", " "))):
        shown.append(part, "bold cyan not dim" if index % 2 else "")
    return shown


def note(text: str, style: str = "", indent: int = 1) -> Padding:
    """A paragraph with a margin, so that its second line starts where the first does."""
    return Padding(inline(text, style), (0, 1, 0, indent))


def numbered(options: Iterable[RenderableType]) -> Padding:
    """Options with the key to press for each."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold cyan")
    grid.add_column()
    for number, option in enumerate(options, 1):
        grid.add_row(str(number), option)
    return Padding(grid, (0, 1, 0, 4))


def step(title: str) -> Group:
    """The heading of one step."""
    return Group(Text(), Rule(Text(title, "bold"), align="left", style="cyan"), Text())


def summary(offer: Offer, notice: Notice, origin: str, words: Phrases) -> Panel:
    """Layer one: who, what, why, risk, how long, how to stop, and the key that signed the text."""
    rows: list[tuple[str, Text]] = []
    for line in notice.summary:
        match = _LABELLED.fullmatch(clean_line(line, 2000))
        rows.append((match["label"], inline(match["text"])) if match else ("", inline(line)))
    risk = next((index for index, line in enumerate(notice.summary) if _is_risk(line)), None)
    if risk is not None:
        rows[risk][1].stylize(_RISK)
    rows.append((words.server, Text(origin)))
    rows.append((words.key, Text.assemble(offer.controller.key_thumbprint, (f" {words.key_is_pinned}", "dim"))))
    subtitle = Text(clean_line(offer.notice.version), "dim")
    return panel(labelled(rows), title=clean_line(notice.title), subtitle=subtitle)


def full_text(offer: Offer, notice: Notice, words: Phrases) -> Group:
    """Layer two: every section of the text."""
    parts: list[RenderableType] = [Text(clean_line(notice.title), "bold cyan"), Text()]
    introduction = notice.body.partition("\n## ")[0].strip()
    if introduction:
        parts += [_markdown(introduction), Text()]
    for section in notice.sections:
        parts += [Text(clean_line(section.title), "bold cyan"), _markdown(section.text), Text()]
    parts.append(
        Text(words.notice_text.format(version=clean_line(offer.notice.version), sha256=offer.notice.sha256), "dim")
    )
    return Group(*parts)


def offered(entry: Offered, words: Phrases) -> Panel:
    """One kind of figures, in the catalogue's own words: the agent says what it would read, not the server."""
    table = TABLES[entry.table]
    figures = ", ".join(column.words[words.locale] for column in table.columns)
    rows = [
        (words.purpose, inline(words.purposes.get(entry.purpose, entry.purpose))),
        (words.figures, Text(figures)),
        (words.reveals, Text(table.reveals[words.locale], _RISK)),
        (words.how_often, Text(words.every.format(seconds=entry.period_seconds))),
    ]
    return panel(labelled(rows), title=f"{entry.table} · {table.words[words.locale]}")


def signing(offer: Offer, granted: Iterable[str], valid_until_ms: int, term_days: int, words: Phrases) -> Panel:
    """Exactly what will be signed."""
    granted_periods = {entry.table: entry.period_seconds for entry in offer.offered if entry.table in granted}
    rows = [
        *((entry.table, answer(entry.table in granted_periods, entry.table, words)) for entry in offer.offered),
        (words.how_often, how_often(granted_periods, words)),
        (words.until, Text(words.days.format(date=utc_day(valid_until_ms), days=term_days))),
        (words.controller, inline(f"{offer.controller.name}, {offer.controller.contact}")),
        (words.text, Text(f"{clean_line(offer.notice.version)}, SHA-256 {offer.notice.sha256}")),
    ]
    return panel(labelled(rows), title=words.sign_title)


def answer(granted: bool, table: str, words: Phrases) -> Text:
    """Yes or no to one kind of figures, and what it is."""
    meaning = TABLES[table].words[words.locale] if table in TABLES else ""
    mark = (f"✔ {words.granted}", "bold green") if granted else (f"✘ {words.refused}", "bold red")
    gap = max(len(words.granted), len(words.refused)) - len(words.granted if granted else words.refused)
    return Text.assemble(mark, " " * (gap + 2), meaning)


def how_often(periods: Mapping[str, int], words: Phrases) -> Text:
    """One sentence where all periods (seconds, by table) are the same, else one for each."""
    if len(set(periods.values())) <= 1:
        return Text(words.every.format(seconds=next(iter(periods.values()), 0)))
    return Text("; ".join(f"{table} {words.every.format(seconds=seconds)}" for table, seconds in periods.items()))


def _is_risk(line: str) -> bool:
    return line.casefold().startswith(("risk:", "ryzyko:"))


def labelled(rows: Iterable[tuple[str, Text]]) -> Table:
    """Label and text, side by side."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in rows:
        grid.add_row(Text(label), text)
    return grid


def panel(content: RenderableType, *, title: str, subtitle: Text | None = None) -> Panel:
    """The one frame that all screens use."""
    return Panel(
        content,
        title=Text(title, "bold"),
        title_align="left",
        subtitle=subtitle,
        subtitle_align="right",
        border_style="cyan",
        box=box.ROUNDED,
        padding=(0, 1),
    )


def _markdown(text: str) -> Markdown:
    shown = Markdown("", hyperlinks=False)
    shown.parsed = _PARSER.parse(clean(text))
    return shown
