"""What a volunteer's cores are said to have done, from frozen readings and from this machine."""

import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.collectors.cpu import CpuCollector
from agent.errors import NoConsent
from consent.catalogue import CPU
from consent.chain import ActiveConsent
from tests.consents import SignedConsent, sign_consent

Linux = namedtuple("Linux", "user nice system idle iowait irq softirq steal guest guest_nice")
Mac = namedtuple("Mac", "user nice system idle")
Windows = namedtuple("Windows", "user system idle interrupt dpc")
COLUMNS = [column.name for column in CPU.columns]


class Frozen:
    """Readings that were written down beforehand."""

    def __init__(self, *readings: Sequence[object]) -> None:
        self.readings = list(readings)

    def cpu_times(self, percpu: bool) -> Sequence[object]:
        assert percpu
        return self.readings.pop(0)


@pytest.fixture
def consent(signed_consent: Callable[..., SignedConsent]) -> ActiveConsent:
    return signed_consent().active


def named(row: tuple[object, ...]) -> dict[str, object]:
    return dict(zip(["core", *COLUMNS], row, strict=True))


def test_ratios_add_up_to_the_interval_and_guest_time_is_not_counted_twice(consent: ActiveConsent) -> None:
    before = [Linux(100, 10, 50, 800, 20, 5, 5, 10, 40, 0), Linux(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)]
    after = [Linux(103, 11, 52, 803, 20.5, 5.2, 5.3, 10, 43, 0), Linux(0, 0, 0, 10, 0, 0, 0, 0, 0, 0)]
    collector = CpuCollector(consent, Frozen(before, after))
    assert not collector.collect(), "the first reading says nothing"
    first, second = [named(row) for row in collector.collect()]
    assert first == {
        "core": 0,
        "user": 0.3,
        "nice": 0.1,
        "system": 0.2,
        "idle": 0.3,
        "iowait": 0.05,
        "interrupt": 0.05,
        "steal": 0.0,
    }
    assert (second["core"], second["idle"], second["user"]) == (1, 1.0, 0.0)


def test_a_mode_that_the_system_lacks_is_none_and_not_nil(consent: ActiveConsent) -> None:
    collector = CpuCollector(consent, Frozen([Mac(0, 0, 0, 0)], [Mac(1, 0, 1, 2)]))
    collector.collect()
    row = named(collector.collect()[0])
    assert (row["user"], row["system"], row["nice"], row["idle"]) == (0.25, 0.25, 0.0, 0.5)
    assert row["iowait"] is None and row["interrupt"] is None and row["steal"] is None


def test_windows_kernel_time_holds_its_interrupts(consent: ActiveConsent) -> None:
    collector = CpuCollector(consent, Frozen([Windows(0, 0, 0, 0, 0)], [Windows(2, 4, 4, 1, 1)]))
    collector.collect()
    row = named(collector.collect()[0])
    assert (row["user"], row["system"], row["interrupt"], row["idle"]) == (0.2, 0.2, 0.2, 0.4)
    assert row["nice"] is None


def test_a_core_whose_counter_went_back_is_left_out_once(consent: ActiveConsent) -> None:
    readings = [[Mac(10, 0, 10, 10), Mac(1, 0, 1, 1)], [Mac(2, 0, 12, 12), Mac(2, 0, 2, 2)], [Mac(3, 0, 13, 13)] * 2]
    collector = CpuCollector(consent, Frozen(*readings))
    collector.collect()
    assert [row[0] for row in collector.collect()] == [1]
    assert [row[0] for row in collector.collect()] == [0, 1]


def test_another_number_of_cores_and_a_reset_start_again(consent: ActiveConsent) -> None:
    collector = CpuCollector(consent, Frozen([Mac(1, 0, 0, 0)], [Mac(2, 0, 0, 0)] * 2, [Mac(3, 0, 0, 0)] * 2, []))
    collector.collect()
    assert not collector.collect()
    assert len(collector.collect()) == 2
    collector.reset()
    assert not collector.collect()


def test_a_reading_without_time_in_between_says_nothing(consent: ActiveConsent) -> None:
    collector = CpuCollector(consent, Frozen([Mac(1, 0, 1, 1)], [Mac(1, 0, 1, 1)]))
    collector.collect()
    assert not collector.collect()


counts = st.lists(st.integers(0, 10**7).map(lambda ticks: ticks / 100), min_size=10, max_size=10)


@given(before=counts, after=counts)
def test_any_pair_of_readings_gives_ratios_or_nothing(before: list[float], after: list[float]) -> None:
    collector = CpuCollector(_CONSENT, Frozen([Linux(*before)], [Linux(*after)]))
    collector.collect()
    for row in collector.collect():
        ratios = [value for value in row[1:] if isinstance(value, float)]
        assert len(ratios) == 7 and all(0 <= ratio <= 1 for ratio in ratios)
        assert abs(sum(ratios) - 1) < 0.001


_CONSENT = sign_consent().active


def test_nothing_is_read_without_the_grant(signed_consent: Callable[..., SignedConsent]) -> None:
    with pytest.raises(NoConsent, match="does not cover cpu"):
        CpuCollector(signed_consent(granted=["memory"]).active)


def test_this_machine(consent: ActiveConsent) -> None:
    collector = CpuCollector(consent)
    collector.collect()
    deadline = time.monotonic() + 5
    rows = collector.collect()
    while not rows and time.monotonic() < deadline:
        rows = collector.collect()
    assert all(len(row) == 1 + len(COLUMNS) for row in rows) and rows


def test_importing_the_agent_does_not_import_psutil() -> None:
    """psutil opens /proc/stat when it is imported."""
    code = (
        "import sys, agent.loop, agent.collectors.cpu, agent.collectors.disk, agent.cli; print('psutil' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
