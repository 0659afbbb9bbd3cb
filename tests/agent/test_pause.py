"""Pausing: how long, since when, and what a broken file means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ConfigError
from agent.paths import AgentPaths
from agent.pause import LONGEST_MS, Pause, end_pause, parse_duration, read_pause, start_pause
from agent.private_files import replace_private


def test_a_pause_holds_until_its_time_and_a_resume_ends_it(paths: AgentPaths) -> None:
    assert read_pause(paths, 0) is None
    start_pause(paths, 1000)
    assert read_pause(paths, 999) == Pause(1000)
    assert read_pause(paths, 1000) is None
    start_pause(paths, None)
    assert read_pause(paths, 10**15) == Pause(None)
    end_pause(paths)
    end_pause(paths)
    assert read_pause(paths, 0) is None


@pytest.mark.parametrize("content", [b"", b"x", b"[]", b"{}", b'{"until": "soon"}', b'{"until": true}', b"[" * 900])
def test_a_file_that_cannot_be_understood_means_paused(paths: AgentPaths, content: bytes) -> None:
    replace_private(paths.pause, content, durable=False)
    assert read_pause(paths, 10**15) == Pause(None)


@pytest.mark.parametrize(
    ("text", "ms"), [("90s", 90_000), ("30m", 1_800_000), ("1h30m", 5_400_000), ("7d", 604_800_000)]
)
def test_durations(text: str, ms: int) -> None:
    assert parse_duration(text) == ms


@pytest.mark.parametrize("text", ["", "0s", "2", "h", "2 h", "-1h", "1.5h", "999d", "٣h", "2h\n"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_duration(text)


@given(st.text(max_size=12))
def test_any_text_is_a_duration_of_at_most_a_year_or_refused(text: str) -> None:
    try:
        assert 0 < parse_duration(text) <= LONGEST_MS
    except ConfigError:
        pass
