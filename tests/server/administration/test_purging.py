"""What midnight deletes, foretold and done; erasing one machine."""

from collections.abc import Callable
from typing import Any

import pytest

from consent.alias import alias_of
from server.days import next_midnight_ms
from server.errors import NotFound
from server.runtime import Runtime
from tests.server.installation import Clock, Volunteer

Do = Callable[..., dict[str, Any]]
DAY_MS = 86_400_000


def test_the_forecast_deletes_nothing_and_comes_true(
    do: Do, volunteer: Volunteer, runtime: Runtime, clock: Clock
) -> None:
    clock.now_ms += DAY_MS
    forecast = do("purge", dry_run=True)
    assert forecast["rows"] == {"cpu": 6, "memory": 3, "disk": 0}
    assert forecast["at"] == next_midnight_ms(clock.now_ms, runtime.config.zone)
    assert sum(runtime.store.counts().values()) == 9
    assert sum(do("purge")["rows"].values()) == 0  # not before midnight
    clock.now_ms = forecast["at"]
    assert do("purge")["rows"] == forecast["rows"]
    assert sum(runtime.store.counts().values()) == 0
    assert volunteer.record_id == do("consents-list")["consents"][0]["record_id"]  # the proof stays


@pytest.mark.parametrize("by", ["instance", "alias"])
def test_erasing_a_volunteers_rows_leaves_the_consent(do: Do, volunteer: Volunteer, by: str) -> None:
    name = volunteer.instance if by == "instance" else alias_of(volunteer.instance)
    done = do("instances-erase", instance=name)
    assert done["rows"] == {"cpu": 6, "memory": 3, "disk": 0}
    assert done["record_id"] == volunteer.record_id
    assert volunteer.send(volunteer.batch(2, tables=("cpu",))).status_code == 201


def test_a_machine_whose_consent_ran_out_can_still_be_erased(do: Do, volunteer: Volunteer, clock: Clock) -> None:
    assert volunteer.record is not None
    clock.now_ms = volunteer.record.event.valid_until
    assert do("instances-list")["instances"][0]["record_id"] == volunteer.record_id
    assert do("instances-erase", instance=volunteer.instance)["rows"]["cpu"] == 6


def test_an_unknown_machine_names_the_next_command(do: Do) -> None:
    with pytest.raises(NotFound, match="instances list"):
        do("instances-erase", instance="nobody")
