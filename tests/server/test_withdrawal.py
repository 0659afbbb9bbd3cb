"""An erasure that was cut short is finished, whatever it was that cut it short."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.app import create_app
from server.errors import InstanceErased, StoreUnavailable
from server.links import Grant
from server.runtime import Runtime
from server.store.protocol import StoredBatch
from server.withdrawal import finish_withdrawals, terminate, withdraw
from tests.server.installation import Clock, Volunteer, initialise, open_installation


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def runtime(tmp_path: Path, clock: Clock) -> Iterator[Runtime]:
    initialise(tmp_path / "server", enrolment="open")
    with open_installation(tmp_path / "server", clock) as opened:
        yield opened


@pytest.fixture
def volunteer(runtime: Runtime, clock: Clock) -> Volunteer:
    made = Volunteer(create_app(runtime).test_client(), clock, runtime.thumbprint)
    made.enrol(None)
    assert made.send(made.batch()).status_code == 201
    return made


def die(*_: Any, **__: Any) -> Any:
    raise StoreUnavailable("died here")


@pytest.mark.parametrize("step", ["erase", "set_erasure_receipt"])
def test_what_died_in_between_is_finished_at_the_next_start(
    runtime: Runtime, volunteer: Volunteer, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    target = runtime.store if step == "erase" else runtime.registry
    with monkeypatch.context() as patch:
        patch.setattr(type(target), step, die)
        with pytest.raises(StoreUnavailable):
            withdraw(runtime, volunteer.record_id, volunteer.sign_withdrawal())
    data_dir = runtime.config.data_dir
    runtime.close()
    with open_installation(data_dir, volunteer.clock) as reopened:
        assert finish_withdrawals(reopened) == 1
        assert finish_withdrawals(reopened) == 0
        assert not list(reopened.store.rows(volunteer.instance))
        receipt_jws = reopened.registry.evidence(volunteer.record_id).erasure_receipt_jws
        assert receipt_jws is not None
        volunteer.check_erasure(receipt_jws)
        assert withdraw(reopened, volunteer.record_id, volunteer.sign_withdrawal()) == receipt_jws


def test_nothing_of_the_instance_can_be_stored_afterwards(runtime: Runtime, volunteer: Volunteer) -> None:
    withdraw(runtime, volunteer.record_id, volunteer.sign_withdrawal())
    columns = {"time": [volunteer.clock()], "total_bytes": [1], "available_bytes": [1], "used_bytes": [1]}
    columns |= {"swap_total_bytes": [1], "swap_used_bytes": [1]}
    with pytest.raises(InstanceErased):
        runtime.store.append([StoredBatch(volunteer.instance, 99, bytes(32), {"memory": columns})])


def test_nothing_of_the_instance_is_left_in_any_file(runtime: Runtime, volunteer: Volunteer) -> None:
    withdraw(runtime, volunteer.record_id, volunteer.sign_withdrawal())
    runtime.close()
    needles = [volunteer.instance.encode(), bytes.fromhex(volunteer.instance.replace("-", ""))]
    for path in runtime.config.data_dir.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(needle in content for needle in needles), path


def test_an_end_by_the_operator_erases_too_and_can_still_be_followed_by_a_withdrawal(
    runtime: Runtime, volunteer: Volunteer
) -> None:
    ended = terminate(runtime, volunteer.record_id)
    assert terminate(runtime, volunteer.record_id) == ended
    assert not list(runtime.store.rows(volunteer.instance))
    answer = withdraw(runtime, volunteer.record_id, volunteer.sign_withdrawal())
    volunteer.check_erasure(answer)


def test_links_of_one_who_withdrew_do_not_open(runtime: Runtime, volunteer: Volunteer) -> None:
    token, _ = runtime.links.create(Grant("volunteer", instance=volunteer.instance))
    withdraw(runtime, volunteer.record_id, volunteer.sign_withdrawal())
    assert runtime.links.consume(token) is None
