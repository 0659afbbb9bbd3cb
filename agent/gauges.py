"""Bars, sparklines and graphs out of block characters, and numbers in people's units.

Rules: a missing value is a blank, never a zero; what the colours say is also said by the shape, so that ``NO_COLOR``
loses nothing; every function returns exactly the width it was asked for.
"""

from collections.abc import Sequence

from rich.color import Color
from rich.style import Style
from rich.text import Text

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_FULL, _EMPTY = "━", "─"
#: From calm to full load.
_RAMP = ((52, 211, 153), (163, 230, 53), (251, 191, 36), (248, 113, 113))

Values = Sequence[float | None]


def heat(ratio: float) -> Style:
    """The colour for a load of 0..1."""
    place = min(max(ratio, 0.0), 1.0) * (len(_RAMP) - 1)
    index = min(int(place), len(_RAMP) - 2)
    low, high = _RAMP[index], _RAMP[index + 1]
    red, green, blue = (round(a + (b - a) * (place - index)) for a, b in zip(low, high, strict=True))
    return Style(color=Color.from_rgb(red, green, blue))


def stacked_bar(parts: Sequence[tuple[float, str]], width: int) -> Text:
    """A bar of 0..1 in which each ``(ratio, style)`` takes its share of ``width`` cells."""
    drawing = Text()
    reached, drawn = 0.0, 0
    for ratio, style in parts:
        reached = min(reached + max(ratio, 0.0), 1.0)
        cells = round(reached * width) - drawn
        drawing.append(_FULL * cells, style)
        drawn += cells
    drawing.append(_EMPTY * (width - drawn), "bright_black")
    return drawing


def level(ratio: float, width: int) -> Text:
    """A bar of 0..1 in the colour of its load."""
    cells = round(min(max(ratio, 0.0), 1.0) * width)
    return Text.assemble((_FULL * cells, heat(ratio)), (_EMPTY * (width - cells), "bright_black"))


def sparkline(values: Values, width: int, maximum: float, style: str = "") -> Text:
    """The last ``width`` values in one row, the newest at the right; in the colours of a load unless ``style`` says."""
    line = graph(values, width, 1, maximum)[0]
    return Text(line.plain, style) if style else line


def graph(values: Values, width: int, height: int, maximum: float) -> list[Text]:
    """The last ``width`` values as columns up to ``height`` rows, the newest at the right; the top row first."""
    missing: list[float | None] = [None] * max(width - len(values), 0)
    shown = [*missing, *(values[-width:] if width else [])]
    rows = []
    for row in reversed(range(height)):
        line = Text()
        for value in shown:
            ratio = 0.0 if value is None or maximum <= 0 else min(max(value / maximum, 0.0), 1.0)
            eighths = min(max(round(ratio * height * 8) - row * 8, 0), 8)
            if value is not None and row == 0:
                eighths = max(eighths, 1)  # a zero that was measured is a line, a gap is not
            line.append(_EIGHTHS[eighths], heat(ratio if height == 1 else (row + 1) / height))
        rows.append(line)
    return rows


def percent(ratio: float | None) -> str:
    """`` 42 %``, four cells and a half: right-aligned."""
    return "   – " if ratio is None else f"{ratio * 100:3.0f} %"


def size(count: float) -> str:
    """Bytes of memory, in powers of 1024."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return _short(count, unit)
        count /= 1024
    return _short(count, "TiB")


def rate(per_second: float | None) -> str:
    """Bytes per second, in powers of 1000 as disks are sold."""
    if per_second is None:
        return "–"
    for unit in ("B/s", "kB/s", "MB/s", "GB/s"):
        if abs(per_second) < 1000:
            return _short(per_second, unit)
        per_second /= 1000
    return _short(per_second, "TB/s")


def span(seconds: float) -> str:
    """A length of time in one unit, or two above an hour."""
    whole = max(int(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def _short(number: float, unit: str) -> str:
    return f"{number:.0f} {unit}" if number >= 100 or unit in ("B", "B/s") else f"{number:.1f} {unit}"
