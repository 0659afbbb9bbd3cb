"""A bounded room."""

import pytest

from consent.wire import Problem
from server.admission import Admission
from server.errors import ProblemError


def test_one_more_than_fits_is_told_to_come_back() -> None:
    room = Admission(2)
    with room.enter(), room.enter():
        with pytest.raises(ProblemError) as caught, room.enter():
            pass
        assert caught.value.problem is Problem.SLOW_DOWN
        assert caught.value.extra["retry_after"]
    with room.enter():
        pass


def test_a_failure_inside_gives_the_place_back() -> None:
    room = Admission(1)
    with pytest.raises(KeyError), room.enter():
        raise KeyError
    with room.enter():
        pass
