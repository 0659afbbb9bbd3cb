"""Moving a recording in time."""

from server.imports import Imported, shift


def test_shift_moves_the_times_of_every_table_and_nothing_else() -> None:
    chunk = Imported(
        "a", {"cpu": {"time": [1_000, 2_000], "core": [0, 0]}, "memory": {"time": [1_500], "used_bytes": [7]}}
    )
    assert shift(chunk, -500) == Imported(
        "a", {"cpu": {"time": [500, 1_500], "core": [0, 0]}, "memory": {"time": [1_000], "used_bytes": [7]}}
    )
    assert chunk.tables["cpu"]["time"] == [1_000, 2_000]
