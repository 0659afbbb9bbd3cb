"""Memory figures, from frozen readings and from this machine."""

from collections import namedtuple
from collections.abc import Callable

import pytest

from agent.collectors.memory import MemoryCollector
from agent.errors import NoConsent
from tests.consents import SignedConsent

Virtual = namedtuple("Virtual", "total available percent used free")
Swap = namedtuple("Swap", "total used free percent sin sout")


class Frozen:
    """Readings that were written down beforehand."""

    def virtual_memory(self) -> Virtual:
        return Virtual(8000, 5000, 37.5, 3000, 4000)

    def swap_memory(self) -> Swap:
        return Swap(1000, 10, 990, 1.0, 0, 0)


def test_one_row_in_the_catalogues_order(signed_consent: Callable[..., SignedConsent]) -> None:
    collector = MemoryCollector(signed_consent().active, Frozen())
    collector.reset()
    assert collector.collect() == [(8000, 5000, 3000, 1000, 10)]


def test_this_machine(signed_consent: Callable[..., SignedConsent]) -> None:
    [(total, available, used, swap_total, swap_used)] = MemoryCollector(signed_consent().active).collect()
    assert isinstance(total, int) and isinstance(available, int) and isinstance(used, int)
    assert 0 < available <= total and 0 < used <= total
    assert isinstance(swap_total, int) and isinstance(swap_used, int) and 0 <= swap_used <= swap_total


def test_nothing_is_read_without_the_grant(signed_consent: Callable[..., SignedConsent]) -> None:
    with pytest.raises(NoConsent, match="does not cover memory"):
        MemoryCollector(signed_consent(granted=["cpu"]).active)
