"""A server whose /metrics is made to keep whoever reads it busy: lines, headers and bodies."""

import time

import pytest

from server.imports import Report
from server.imports.exposition import _LINE, parse_scrape

LENGTH = 1024 * 1024


@pytest.mark.parametrize(
    "line",
    [
        "a{" + "}" * LENGTH + " x y z",
        "a{" + "} " * (LENGTH // 2) + "x y z",
        "a" + " " * LENGTH + "x" + " " * LENGTH + "y z",
        "a" * LENGTH + "{",
        'a{b="' + "\\" * LENGTH + "} 1",
        'a{b="' + '"' * LENGTH + "} 1 2 3",
        "a{b} 1" + " #" * LENGTH + "\n",
    ],
)
def test_no_line_takes_long(line: str) -> None:
    began = time.process_time()
    parse_scrape(line, "web1", 1, Report("web1"))
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("line", "groups"),
    [
        ("a 1", ("a", None, "1", None, None)),
        ("a:b_1  1.5e3  1700000000", ("a:b_1", None, "1.5e3", "  1700000000", None)),
        ('a{b="c"} 1', ("a", '{b="c"}', "1", None, None)),
        ('a {b="}{ \\" \\\\",d="e",} NaN 12.5 ', ("a", '{b="}{ \\" \\\\",d="e",}', "NaN", " 12.5", None)),
        ("a{}1", ("a", "{}", "1", None, None)),
        ('a{b="c"} 1 # {t="x"} 2 3', ("a", '{b="c"}', "1", None, ' # {t="x"} 2 3')),
        ('a{b="c"} 1 4 # {t="x"} 2', ("a", '{b="c"}', "1", " 4", ' # {t="x"} 2')),
    ],
)
def test_lines_are_told_apart_as_the_format_has_them(line: str, groups: tuple[str | None, ...]) -> None:
    found = _LINE.fullmatch(line)
    assert found is not None and found.groups() == groups


@pytest.mark.parametrize("line", ["a", "a{", 'a{b="c} 1', "a 1 2 3", '{b="c"} 1', "1 2"])
def test_what_is_no_line_is_none(line: str) -> None:
    assert _LINE.fullmatch(line) is None
