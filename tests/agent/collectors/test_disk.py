"""What the disks are said to have done, from frozen readings and from this machine."""

import time
from collections import namedtuple
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.collectors.disk import DiskCollector
from agent.errors import NoConsent
from consent.chain import ActiveConsent
from tests.consents import SignedConsent, sign_consent

Linux = namedtuple("Linux", "read_count write_count read_bytes write_bytes busy_time")
Windows = namedtuple("Windows", "read_count write_count read_bytes write_bytes")


class Frozen:
    """Readings that were written down beforehand."""

    def __init__(self, *readings: Mapping[str, Any] | None) -> None:
        self.readings = list(readings)

    def disk_io_counters(self, perdisk: bool, nowrap: bool) -> Mapping[str, Any] | None:
        assert perdisk and nowrap
        return self.readings.pop(0)


class Clock:
    """A monotonic clock that goes two seconds a look."""

    def __init__(self, step: float = 2.0) -> None:
        self.at = 100.0
        self.step = step

    def __call__(self) -> float:
        self.at += self.step
        return self.at


@pytest.fixture
def consent(signed_consent: Callable[..., SignedConsent]) -> ActiveConsent:
    return signed_consent().active


def test_rates_are_differences_over_the_monotonic_clock(consent: ActiveConsent) -> None:
    source = Frozen({"sda": Linux(10, 20, 1000, 2000, 500)}, {"sda": Linux(13, 20, 1333, 10_002_000, 1500)})
    collector = DiskCollector(consent, Clock(), source, blocks=None)
    assert not collector.collect()
    assert collector.collect() == [("sda", 166.5, 5_000_000.0, 1.5, 0.0, 0.5)]


def test_busy_is_cut_to_one_and_none_where_it_is_not_counted(consent: ActiveConsent) -> None:
    source = Frozen(
        {"a": Linux(0, 0, 0, 0, 0), "b": Windows(0, 0, 0, 0)}, {"a": Linux(0, 0, 0, 0, 9999), "b": Windows(2, 2, 2, 2)}
    )
    collector = DiskCollector(consent, Clock(), source, blocks=None)
    collector.collect()
    assert [row[5] for row in collector.collect()] == [1.0, None]


def test_a_disk_that_comes_goes_and_comes_back(consent: ActiveConsent) -> None:
    still, moved = Linux(1, 1, 1, 1, 1), Linux(5, 5, 5, 5, 5)
    source = Frozen(
        {"sda": still}, {"sda": still, "sdb": still}, {"sda": still}, {"sda": still, "sdb": moved}, {}, None
    )
    collector = DiskCollector(consent, Clock(), source, blocks=None)
    names = [[row[0] for row in collector.collect()] for _ in range(6)]
    assert names == [[], ["sda"], ["sda"], ["sda"], [], []], "a disk that is new, or back, has no rate yet"


def test_a_counter_that_went_back_is_a_reset_and_never_a_negative_rate(consent: ActiveConsent) -> None:
    source = Frozen({"sda": Linux(9, 9, 9, 9, 9)}, {"sda": Linux(1, 9, 9, 9, 9)}, {"sda": Linux(3, 9, 9, 9, 9)})
    collector = DiskCollector(consent, Clock(), source, blocks=None)
    collector.collect()
    assert not collector.collect()
    assert collector.collect() == [("sda", 0.0, 0.0, 1.0, 0.0, 0.0)]


def test_what_happens_during_a_rest_is_in_no_row(consent: ActiveConsent) -> None:
    collector = DiskCollector(
        consent, Clock(), Frozen({"a": Linux(0, 0, 0, 0, 0)}, {"a": Linux(9, 9, 9, 9, 9)}), blocks=None
    )
    collector.collect()
    collector.reset()
    assert not collector.collect()


def test_only_whole_physical_disks(consent: ActiveConsent, tmp_path: Path) -> None:
    for name in ("sda", "nvme0n1", "cciss!c0d0", "sr0", "mmcblk0", "mmcblk0boot0"):
        (tmp_path / name / "device").mkdir(parents=True)
    for name in ("loop0", "ram0", "zram0", "dm-0", "md0"):
        (tmp_path / name).mkdir()
    names = ["sda", "sda1", "nvme0n1", "nvme0n1p1", "cciss/c0d0", "sr0", "mmcblk0", "mmcblk0boot0", "mmcblk0p1"]
    names += ["loop0", "ram0", "zram0", "dm-0", "md0", "x" * 65, ""]
    reading = {name: Linux(1, 1, 1, 1, 1) for name in names}
    collector = DiskCollector(consent, Clock(), Frozen(reading, reading), blocks=tmp_path)
    collector.collect()
    assert [row[0] for row in collector.collect()] == ["cciss/c0d0", "mmcblk0", "nvme0n1", "sda"]


counters = st.lists(st.integers(0, 2**63), min_size=5, max_size=5).map(lambda five: Linux(*five))
_CONSENT = sign_consent().active


@given(before=counters, after=counters, step=st.floats(0, 1e6))
def test_any_pair_of_readings_gives_rates_or_nothing(before: Any, after: Any, step: float) -> None:
    collector = DiskCollector(_CONSENT, Clock(step), Frozen({"sda": before}, {"sda": after}), blocks=None)
    collector.collect()
    for row in collector.collect():
        assert all(isinstance(value, float) and value >= 0 for value in row[1:])
        assert isinstance(row[5], float) and row[5] <= 1


def test_this_machine(consent: ActiveConsent) -> None:
    collector = DiskCollector(consent, time.monotonic)
    collector.collect()
    for row in collector.collect():
        assert isinstance(row[0], str) and not row[0].startswith(("loop", "ram", "zram"))
        assert all(isinstance(value, float) and value >= 0 for value in row[1:])


def test_nothing_is_read_without_the_grant(signed_consent: Callable[..., SignedConsent]) -> None:
    with pytest.raises(NoConsent, match="does not cover disk"):
        DiskCollector(signed_consent(granted=["cpu"]).active, time.monotonic)
