"""A machine whose clock is wrong."""

import json

from agent.client import Answer
from agent.server_clock import ServerClock


class Wall:
    """The machine's clock, set by the test."""

    def __init__(self, ms: int) -> None:
        self.ms = ms

    def __call__(self) -> int:
        return self.ms


def test_the_time_in_the_answer_is_taken_over_and_dropped_when_the_clock_is_right_again() -> None:
    wall = Wall(1_000_000_000)
    clock = ServerClock(wall)
    assert clock.now_ms() == 1_000_000_000
    assert clock.correct(Answer(401, {}, json.dumps({"server_time": 1_000_600_000}).encode()))
    assert clock.now_ms() == 1_000_600_000 and clock.skew_ms == 600_000
    clock.learn(1_000_600_000)
    assert clock.now_ms() == 1_000_600_000, "still wrong by as much: still corrected"
    wall.ms = 1_000_600_000
    clock.learn(1_000_600_500)
    assert (clock.now_ms(), clock.skew_ms) == (1_000_600_000, 500)


def test_the_date_header_will_do() -> None:
    clock = ServerClock(Wall(0))
    assert clock.correct(Answer(401, {"date": "Thu, 01 Jan 1970 01:00:00 GMT"}, b"<html>"))
    assert clock.now_ms() == 3_600_000


def test_an_answer_without_a_time_corrects_nothing() -> None:
    clock = ServerClock(Wall(5))
    for body in (b"", b"[]", b'{"server_time": "now"}', b'{"server_time": true}', b'{"server_time": -1}'):
        assert not clock.correct(Answer(401, {"date": "yesterday"}, body))
    assert clock.now_ms() == 5
