"""Counters to rates: the corners that no file format shows."""

from server.imports.rates import Machine, Track, chunks, without_repeats


def track(*samples: tuple[int, float]) -> Track:
    made = Track()
    for time, value in samples:
        made.add(time, value)
    assert made.settle() is None
    return made


def test_a_mode_with_a_missing_sample_is_none_for_the_intervals_it_touches() -> None:
    machine = Machine(
        cpu={0: {"idle": track((0, 0), (1000, 0.5), (2000, 1.5)), "user": track((0, 0), (2000, 0.5))}},
    )
    [tables] = chunks(machine, 600)
    assert tables["cpu"]["time"] == [1000, 2000]
    assert tables["cpu"]["idle"] == [0.5, 1.0] and tables["cpu"]["user"] == [None, None]


def test_shares_never_add_up_to_more_than_the_interval_when_the_clock_is_late() -> None:
    modes = {"user": track((0, 0), (1000, 0.9)), "system": track((0, 0), (1000, 0.1)), "idle": track((0, 0), (1000, 1))}
    modes["nice"] = track((0, 0), (1000, 0))
    [tables] = chunks(Machine(cpu={0: modes}), 600)
    assert (tables["cpu"]["user"], tables["cpu"]["system"], tables["cpu"]["idle"]) == ([0.45], [0.05], [0.5])


def test_swap_and_memory_are_never_negative() -> None:
    names = {"total": 100, "available": 130, "swap_total": 10, "swap_free": 20}
    [tables] = chunks(Machine(memory={name: track((0, value)) for name, value in names.items()}), 600)
    assert tables["memory"]["available_bytes"] == [100] and tables["memory"]["used_bytes"] == [0]
    assert tables["memory"]["swap_used_bytes"] == [0]


def test_a_step_of_memory_that_lacks_a_value_gives_no_row() -> None:
    memory = {name: track((0, 8), (10, 8)) for name in ("total", "swap_total", "swap_free")}
    [tables] = chunks(Machine(memory={**memory, "available": track((10, 4))}), 600)
    assert tables["memory"]["time"] == [10]


def test_an_idle_disk_is_no_repeat_while_the_cpu_counts() -> None:
    disk = {name: track((0, 5), (10, 5), (20, 5)) for name in ("read_bytes", "write_bytes", "reads", "writes")}
    machine = Machine(cpu={0: {"idle": track((0, 1), (10, 2), (20, 3))}}, disk={"sda": disk})
    [tables] = chunks(without_repeats(machine), 600)
    assert tables["disk"]["read_bytes_per_second"] == [0.0, 0.0]


def test_contradicting_samples_are_told_by_their_time() -> None:
    made = Track()
    for time, value in ((20, 1.0), (10, 1.0), (20, 2.0), (10, 1.0)):
        made.add(time, value)
    assert made.settle() == 20


def test_chunks_neither_repeat_nor_lose_a_row_where_modes_were_sampled_at_other_times() -> None:
    modes = {
        "user": track(*((time, time / 4) for time in range(0, 60, 2))),
        "idle": track(*((time, time / 2) for time in range(0, 60, 5))),
    }
    whole = list(chunks(Machine(cpu={0: modes}), 600))
    assert len(whole) == 1
    for steps in range(1, 9):
        cut = [tables["cpu"] for tables in chunks(Machine(cpu={0: modes}), steps) if "cpu" in tables]
        assert [time for part in cut for time in part["time"]] == list(whole[0]["cpu"]["time"])
        assert [value for part in cut for value in part["user"]] == list(whole[0]["cpu"]["user"])


def test_cores_come_in_order_and_a_disk_is_busy_for_all_of_the_time_at_most() -> None:
    names = ("read_bytes", "write_bytes", "reads", "writes", "io_time")
    machine = Machine(
        cpu={core: {"idle": track((0, 0), (1000, 1))} for core in (2, 0, 1)},
        disk={"sda": {name: track((0, 0), (1000, 1.1)) for name in names}},
    )
    [tables] = chunks(machine, 600)
    assert tables["cpu"]["core"] == [0, 1, 2]
    assert tables["disk"]["busy"] == [1.0]
