"""The picture of ``sysmetric watch``: fits the window, whatever its size.

Rules:

* Fixed parts first (header, sending, memory, disks), and what is left goes to the processor's graph. From ``WIDE``
  columns on, memory and disks stand side by side.
* What was not granted is named and stays empty, because nothing of it is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agent import gauges
from agent.history import Core, Disk, History
from agent.status import Status
from agent.untrusted import clean_line

WIDE = 110
_BORDER = 2  # lines of a panel's frame
_MARGIN = 4  # columns of a panel's frame and padding
_FRAMING_LINES = 2  # header and footer
_SENDING_LINES = 2
_MEMORY_LINES = 2
_MODES = {
    "user": "green",
    "nice": "blue",
    "system": "red",
    "iowait": "yellow",
    "interrupt": "magenta",
    "steal": "cyan",
}
_CORE_WIDTH = 34
_SMALL_CORE_WIDTH = 18
_HIGHEST_GRAPH = 24


@dataclass(frozen=True, slots=True)
class Scene:
    """What is shown beside the history: who, what was granted, and what the running agent says (or that none runs)."""

    alias: str
    server: str
    until: str
    granted: Mapping[str, float]
    status: Status | None
    running: bool
    paused: bool
    now_ms: int


def picture(history: History, scene: Scene, width: int, height: int) -> Group:
    """At most ``height`` lines (from 16 on) of ``width`` columns."""
    sending = _panel("Sending", _sending(scene, width - _MARGIN), width)
    left = height - _FRAMING_LINES - _SENDING_LINES - _BORDER * 3
    if width >= WIDE:
        room = max(min(len(history.disks), left // 3), _MEMORY_LINES)
        middle: RenderableType = _side_by_side(history, scene, width, room)
    else:
        left -= _BORDER + _MEMORY_LINES
        room = max(min(len(history.disks), left // 3), 1)
        middle = Group(
            _panel("Memory", _memory(history, scene, width - _MARGIN), width),
            _panel("Disks", _disks(history, scene, width - _MARGIN, room), width),
        )
    cpu = _panel("Processor", _cpu(history, scene, width - _MARGIN, max(left - room, 1)), width)
    return Group(_header(scene, width), cpu, middle, sending, _footer(width))


def _side_by_side(history: History, scene: Scene, width: int, room: int) -> Table:
    half = width // 2
    rest = width - half
    grid = Table.grid()
    grid.add_column(width=half)
    grid.add_column(width=rest)
    grid.add_row(
        _panel("Memory", _memory(history, scene, half - _MARGIN), half, room),
        _panel("Disks", _disks(history, scene, rest - _MARGIN, room), rest, room),
    )
    return grid


def _header(scene: Scene, width: int) -> Text:
    line = Text.assemble((" sysmetric watch ", "bold reverse cyan"), "  ", (scene.alias, "bold"))
    line.append(f"  consent until {scene.until}", "dim")
    if scene.paused:
        line.append("  paused: nothing is read", "bold yellow")
    return _cut(line, width)


def _footer(width: int) -> Text:
    line = Text.assemble(
        (" q ", "bold cyan"), ("leave", "dim"), ("   this window reads for you and sends nothing", "dim")
    )
    return _cut(line, width)


def _cpu(history: History, scene: Scene, width: int, room: int) -> list[Text]:
    if "cpu" not in scene.granted:
        return [_not_granted("cpu")]
    if not history.cores:
        return [Text("reading …", "dim")]
    core_rows = _cores(history.cores, width, max(room - 3, 1))
    graph_height = max(min(room - len(core_rows) - 1, _HIGHEST_GRAPH), 0)
    values = list(history.cpu)
    newest = values[-1] if values else None
    legend = Text.assemble((gauges.percent(newest), "bold"), "  ")
    for name, style in _MODES.items():
        legend.append("━ ", style)
        legend.append(f"{name}  ", "dim")
    lines = [_cut(legend, width)] if room > 1 else []
    return [*lines, *gauges.graph(values, width, graph_height, 1.0), *core_rows]


def _cores(cores: Mapping[int, Core], width: int, room: int) -> list[Text]:
    """A bar per core, in as many columns as are needed; where there are too many cores, a column of heat for each."""
    for least in (_CORE_WIDTH, _SMALL_CORE_WIDTH):
        columns = max(min(width // least, len(cores)), 1)
        rows = -(-len(cores) // columns)
        if rows <= max(room * 2 // 3, 1):
            return _core_table(cores, width, columns, rows)
    newest = [cores[number].busy[-1] if cores[number].busy else None for number in sorted(cores)]
    lines = [
        gauges.sparkline(newest[start : start + width], len(newest[start : start + width]), 1.0)
        for start in range(0, len(newest), width)
    ]
    return [Text(f"each of {len(cores)} cores now", "dim"), *lines][: max(room, 1)]


def _core_table(cores: Mapping[int, Core], width: int, columns: int, rows: int) -> list[Text]:
    cell = (width - 2 * (columns - 1)) // columns
    numbers = sorted(cores)
    lines = []
    for row in range(rows):
        shown = [_core(number, cores[number], cell) for number in numbers[row::rows]]
        lines.append(Text("  ").join(shown))
    return lines


def _core(number: int, core: Core, width: int) -> Text:
    newest = core.busy[-1] if core.busy else None
    graph_width = (width - 11) // 2 if width >= 26 else 0
    bar_width = max(width - 11 - graph_width, 1)
    parts = [(core.modes.get(name, 0.0), style) for name, style in _MODES.items()]
    cell = Text.assemble((f"{number:>3} ", "bold"), gauges.stacked_bar(parts, bar_width), f" {gauges.percent(newest)} ")
    cell.append_text(gauges.sparkline(list(core.busy), graph_width, 1.0) if graph_width else Text())
    return _cut(cell, width)


def _memory(history: History, scene: Scene, width: int) -> list[Text]:
    if "memory" not in scene.granted:
        return [_not_granted("memory")]
    memory = history.memory
    if not memory:
        return [Text("reading …", "dim")]
    total, swap = memory["total_bytes"], memory["swap_total_bytes"]
    used = total - memory["available_bytes"]
    lines = [_level("memory", used, total, list(history.used), width)]
    if swap:
        lines.append(_level("swap", memory["swap_used_bytes"], swap, [], width))
    else:
        lines.append(Text.assemble(("swap    ", "bold"), ("none set up", "dim")))
    return lines


def _level(name: str, used: int, total: int, history: Sequence[float | None], width: int) -> Text:
    ratio = used / total if total else 0.0
    numbers = f" {gauges.percent(ratio)}  {gauges.size(used)} of {gauges.size(total)}"
    rest = width - 8 - 30
    graph_width = rest // 3 if rest >= 24 else 0
    line = Text.assemble((f"{name:<8}", "bold"), gauges.level(ratio, max(rest - graph_width, 4)), f"{numbers:<30}")
    if graph_width:
        line.append_text(gauges.sparkline(history, graph_width, 1.0))
    return _cut(line, width)


def _disks(history: History, scene: Scene, width: int, room: int) -> list[Text]:
    if "disk" not in scene.granted:
        return [_not_granted("disk")]
    if not history.disks:
        return [Text("reading …", "dim")]
    names = sorted(history.disks)
    shown = names if len(names) <= room else names[: max(room - 1, 1)]
    lines = [_disk(name, history.disks[name], width) for name in shown]
    if len(shown) < len(names) and room > 1:
        lines.append(Text(f"and {len(names) - len(shown)} disks more", "dim"))
    return lines


def _disk(name: str, disk: Disk, width: int) -> Text:
    graph_width = max((width - 57) // 2, 3)
    read, write = list(disk.read), list(disk.write)
    line = Text.assemble((f"{clean_line(name, 8):<8} ", "bold"))
    for word, values, style in (("read", read, "cyan"), ("write", write, "magenta")):
        highest = max((value for value in values[-graph_width:] if value is not None), default=0.0)
        line.append(f"{word} ", "dim")
        line.append_text(gauges.sparkline(values, graph_width, highest, style))
        line.append(f" {gauges.rate(values[-1] if values else None):>10}  ")
    line.append(f"busy {gauges.percent(disk.busy)}", "dim")
    return _cut(line, width)


def _sending(scene: Scene, width: int) -> list[Text]:
    status = scene.status
    if not scene.running or status is None:
        return [
            Text.assemble(("○ no agent runs", "bold yellow"), ", so nothing is sent"),
            Text.assemble(("to start it: ", "dim"), ("sysmetric run", "bold cyan")),
        ]
    style = {"running": "green", "paused": "yellow", "away": "yellow"}.get(status.state, "red")
    first = Text.assemble((f"● {status.state}", f"bold {style}"), f"  to {clean_line(scene.server, 80)}")
    if status.last_ack_ms is not None:
        first.append(f"  last confirmed {gauges.span((scene.now_ms - status.last_ack_ms) / 1000)} ago")
        if status.last_latency_ms is not None:
            first.append(f" in {status.last_latency_ms:.0f} ms", "dim")
    second = Text.assemble(("sent ", "dim"), f"{_batches(status.batches_sent)}, {gauges.size(status.bytes_sent)}")
    waiting = f"{_batches(status.spool_batches)}, {gauges.size(status.spool_bytes)}"
    second.append("  waiting ", "dim")
    second.append(waiting if status.spool_batches else "nothing", "yellow" if status.spool_batches else "")
    rows = ", ".join(f"{table} {count:,}" for table, count in status.rows_sent.items())
    second.append(f"  rows {rows}" if rows else "", "dim")
    if status.problem is not None:
        second = Text(clean_line(f"{status.problem}: {status.problem_detail or ''}", 200), "red")
    return [_cut(first, width), _cut(second, width)]


def _batches(count: int) -> str:
    return f"{count:,} batch" if count == 1 else f"{count:,} batches"


def _not_granted(table: str) -> Text:
    return Text(f"{table} was not granted, so nothing of it is read", "dim")


def _panel(title: str, lines: Sequence[Text], width: int, room: int = 0) -> Panel:
    padded = [*lines, *(Text() for _ in range(room - len(lines)))]
    return Panel(
        Group(*padded),
        title=Text(title, "bold"),
        title_align="left",
        border_style="bright_black",
        box=box.ROUNDED,
        padding=(0, 1),
        width=width,
    )


def _cut(line: Text, width: int) -> Text:
    line.truncate(width, overflow="ellipsis")
    line.no_wrap = True
    return line
