"""Measurements as tables for a person and as JSON for a program."""

import dataclasses
import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

_LIBRARIES = ("duckdb", "flask", "granian", "msgspec", "http-message-signatures", "psutil", "cryptography", "pykx")


@dataclasses.dataclass(slots=True)
class Report:
    """All measurements by section: ``ingest``, ``queries``, ``agent``."""

    started_ms: int
    load_at_start: tuple[float, float, float] | None = dataclasses.field(
        default_factory=lambda: os.getloadavg() if hasattr(os, "getloadavg") else None
    )
    sections: dict[str, list[Any]] = dataclasses.field(default_factory=dict)

    def collect(self, section: str, results: Iterable[Any], console: Console) -> None:
        """Take the results as they come, telling each, then show them as a table."""
        found: list[Any] = []
        self.sections[section] = found
        for result in results:
            found.append(result)
            console.print(f"{section}: {_words(result)}", style="dim", markup=False)
        console.print(table_of(section, found))

    def to_json(self) -> dict[str, Any]:
        """The report with what it was measured on."""
        return {
            "started_ms": self.started_ms,
            "machine": {
                "processor": _processor(),
                "cores": os.cpu_count(),
                "system": f"{platform.system()} {platform.release()}",
                "python": platform.python_version(),
                "load_average_at_start": self.load_at_start,
            },
            "libraries": {name: importlib.metadata.version(name) for name in _LIBRARIES},
            **{name: [dataclasses.asdict(result) for result in found] for name, found in self.sections.items()},
        }

    def write(self, directory: Path) -> tuple[Path, Path]:
        """``benchmark-<time>.json`` and the same as Markdown."""
        directory.mkdir(parents=True, exist_ok=True)
        stem = directory / time.strftime("benchmark-%Y%m%dT%H%M%S", time.gmtime(self.started_ms / 1000))
        document, text = stem.with_suffix(".json"), stem.with_suffix(".md")
        document.write_text(json.dumps(self.to_json(), indent=2) + "\n", "utf-8")
        text.write_text("\n".join(markdown_of(name, found) for name, found in self.sections.items()), "utf-8")
        return document, text


def table_of(section: str, results: Sequence[Any]) -> Table:
    """A Rich table with a column per field."""
    table = Table(title=section, title_justify="left")
    for index, name in enumerate(_names(results)):
        table.add_column(name, justify="left" if index == 0 else "right", overflow="fold")
    for result in results:
        table.add_row(*_cells(result))
    return table


def markdown_of(section: str, results: Sequence[Any]) -> str:
    """The same as a Markdown table."""
    names = _names(results)
    lines = [names, ["---"] + ["--:"] * (len(names) - 1), *(_cells(result) for result in results)]
    return f"### {section}\n\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _names(results: Sequence[Any]) -> list[str]:
    return [field.name.replace("_", " ") for field in dataclasses.fields(results[0])] if results else []


def _cells(result: Any) -> list[str]:
    return [_shown(value) for value in dataclasses.astuple(result)]


def _shown(value: object) -> str:
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _words(result: Any) -> str:
    return ", ".join(_cells(result))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
