"""Nothing that another machine wrote can drive the terminal or hide a word."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.untrusted import clean, clean_line


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;https://evil.example\x1b\\here\x1b]8;;\x1b\\", "here"),
        ("\x1b]52;c;cm0gLXJmIC8=\x07paste", "paste"),
        ("\x9b2Jclear", "clear"),
        ("\x9d0;title\x9cafter", "after"),
        ("\x1bP1$tx\x1b\\device", "device"),
        ("\x1b]0;never closed", ""),
        ("\x1bcreset", "reset"),
        ("one\r\ntwo\rthree", "one\ntwothree"),
        ("pay\u202egnp.exe", "paygnp.exe"),
        ("a\u200bb\u2066c\u2069d\ufeff", "abcd"),
        ("soft\u00adhyphen", "softhyphen"),
        ("bell\x07back\x08null\x00del\x7f", "bellbacknulldel"),
        ("tab\there", "tab here"),
        ("lines\u2028stay\u2029one", "linesstayone"),
        ("zażółć gęślą jaźń – „tak”", "zażółć gęślą jaźń – „tak”"),
        (
            "[bold]no markup[/bold] [link=https://evil.example]x[/link]",
            "[bold]no markup[/bold] [link=https://evil.example]x[/link]",
        ),
    ],
)
def test_what_is_left(hostile: str, shown: str) -> None:
    assert clean(hostile) == shown


@given(st.text(st.characters(), max_size=200))
def test_nothing_that_does_not_print_is_left(text: str) -> None:
    cleaned = clean(text)
    assert all(letter == "\n" or unicodedata.category(letter)[0] not in "C" for letter in cleaned)
    assert clean(cleaned) == cleaned


def test_one_line_is_bounded() -> None:
    assert clean_line("a\n\n  b") == "a b"
    assert clean_line("x" * 500) == "x" * 299 + "…"
