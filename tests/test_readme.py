"""The README cannot drift: its list of what is collected is the catalogue's, and each command in it exists."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from consent.catalogue import TABLES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BIN = Path(sys.executable).parent


def catalogue_as_markdown() -> str:
    """The table between the catalogue markers of the README."""
    lines = ["| table | what | columns |", "|---|---|---|"]
    for table in TABLES.values():
        columns = ", ".join(f"`{column.name}`" for column in table.wire_columns)
        lines.append(f"| `{table.name}` | {table.words['en']}; may reveal {table.reveals['en']} | {columns} |")
    return "\n".join(lines)


def test_what_is_collected_is_the_catalogue() -> None:
    match = re.search(r"<!-- catalogue:begin[^>]*-->\n(.*?)\n?<!-- catalogue:end -->", README, re.DOTALL)
    assert match is not None and match[1] == catalogue_as_markdown()


def _commands() -> list[tuple[str, ...]]:
    found = set()
    for line in README.splitlines():
        match = re.match(r" {4}(sysmetric(?:-server)?) ([a-z]+(?: [a-z]+)?)( \| [a-z |]+)?", line)
        if match:
            first = match[2].split()
            found.add((match[1], *first))
            for other in re.findall(r"[a-z]+", match[3] or ""):
                found.add((match[1], first[0], other))
    return sorted(found)


@pytest.mark.parametrize("command", _commands(), ids=" ".join)
def test_each_command_of_the_readme_exists(command: tuple[str, ...]) -> None:
    done = subprocess.run([BIN / command[0], *command[1:], "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
