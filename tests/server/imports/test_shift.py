"""Moving a recording in time."""

from server.imports import Imported, shift, shift_to

EARLY = Imported("a", {"cpu": {"time": [1_000, 2_000], "core": [0, 0]}})
LATE = Imported("b", {"memory": {"time": [1_500], "used_bytes": [7]}, "cpu": {"time": [4_000], "core": [1]}})


def test_shift_moves_the_times_and_nothing_else() -> None:
    assert shift(EARLY, -500) == Imported("a", {"cpu": {"time": [500, 1_500], "core": [0, 0]}})
    assert EARLY.tables["cpu"]["time"] == [1_000, 2_000]


def test_the_last_sample_of_all_machines_ends_up_now() -> None:
    early, late = shift_to([EARLY, LATE], 10_000)
    assert early.tables["cpu"]["time"] == [7_000, 8_000]
    assert late.tables["memory"]["time"] == [7_500] and late.tables["cpu"]["time"] == [10_000]


def test_nothing_gives_nothing() -> None:
    assert not shift_to([], 10_000)
