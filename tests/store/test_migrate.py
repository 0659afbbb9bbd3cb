"""Moving samples between stores: both ways, twice, after half of it, and onto something else."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from consent.wire import Ack, AckStatus
from server.errors import SequenceReused, StoreError, StoreUnavailable
from server.store import open_store
from server.store.migrate import batches_of, migrate, slices_of
from server.store.protocol import Store
from tests.store.q_server import QServer
from tests.store.samples import NOON, WARSAW, Clock, at, batch, cpu, disk, memory, new_instance, seconds


@pytest.fixture(name="duckdb")
def _duckdb(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store("duckdb", tmp_path / "store", WARSAW, Clock())) as store:
        yield store


@pytest.fixture(name="server")
def _server() -> Iterator[QServer]:
    with QServer() as server:
        yield server


@pytest.fixture(name="kdb")
def _kdb(server: QServer, tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(server.url, tmp_path / "store", WARSAW, Clock())) as store:
        yield store


@pytest.fixture(name="instances")
def _instances(duckdb: Store) -> list[str]:
    """Two machines over a midnight, with gaps and nulls."""
    instances = sorted([new_instance(), new_instance()])
    for sequence, start in enumerate((at("2026-06-09 23:55"), NOON)):
        times = seconds(start, 900)
        tables = {"cpu": cpu(times, 2, user=0.1 + sequence), "memory": memory(times), "disk": disk(times[:5])}
        duckdb.append([batch(instance, sequence, **tables) for instance in instances])
    return instances


def everything(store: Store, instances: list[str]) -> list[object]:
    return [row for instance in instances for row in store.rows(instance)]


def test_there_and_back(duckdb: Store, kdb: Store, instances: list[str], tmp_path: Path) -> None:
    done: list[int] = []
    there = migrate(duckdb, kdb, done.append)
    assert there.rows == duckdb.counts() == kdb.counts() == {"cpu": 7200, "memory": 3600, "disk": 20}
    assert (there.instances, sum(there.already.values())) == (2, 0)
    assert sum(done) == 3 * sum(there.rows.values())
    assert everything(kdb, instances) == everything(duckdb, instances)
    with closing(open_store("duckdb", tmp_path / "other", WARSAW, Clock())) as other:
        back = migrate(kdb, other, done.append)
        assert (back.rows, back.checksum) == (there.rows, there.checksum)
        assert everything(other, instances) == everything(duckdb, instances)


def test_what_was_sent_before_the_move_is_a_duplicate_after_it(
    duckdb: Store, kdb: Store, instances: list[str], tmp_path: Path
) -> None:
    times = seconds(NOON + 3_000_000, 5)
    lost = batch(instances[0], 7, memory=memory(times))
    duckdb.append([lost])
    assert migrate(duckdb, kdb, lambda _: None).batches == 5
    with closing(open_store("duckdb", tmp_path / "other", WARSAW, Clock())) as other:
        assert migrate(kdb, other, lambda _: None).batches == 5
        for store in (kdb, other):
            (ack,) = store.append([lost])
            assert isinstance(ack, Ack) and ack.status is AckStatus.DUPLICATE
            with pytest.raises(SequenceReused):
                store.append([batch(instances[0], 7, memory=memory(times, used=1))])
            assert store.counts() == duckdb.counts()


def test_twice_is_the_same_as_once(duckdb: Store, kdb: Store, instances: list[str]) -> None:
    first, second = (migrate(duckdb, kdb, lambda _: None) for _ in range(2))
    assert second.already == first.rows and not any(second.rows.values())
    assert second.checksum == first.checksum
    assert kdb.counts() == duckdb.counts() and len(instances) == 2


def test_what_was_cut_short_is_finished(duckdb: Store, kdb: Store, server: QServer, instances: list[str]) -> None:
    server.next_reply = ["answer"] + ["answer"] * 2 + ["error:wsfull"]
    with pytest.raises(StoreError):
        migrate(duckdb, kdb, lambda _: None)
    server.next_reply = []
    assert 0 < sum(kdb.counts().values()) < sum(duckdb.counts().values())
    finished = migrate(duckdb, kdb, lambda _: None)
    assert any(finished.already.values()) and any(finished.rows.values())
    assert everything(kdb, instances) == everything(duckdb, instances)


def test_a_target_with_other_rows_is_left_as_it_is(duckdb: Store, kdb: Store, instances: list[str]) -> None:
    kdb.append([batch(instances[1], 1, memory=memory([NOON + 500]))])
    with pytest.raises(StoreError, match=f"rows of {instances[1]} that the source has not.*nothing was moved"):
        migrate(duckdb, kdb, lambda _: None)
    assert kdb.counts() == {"cpu": 0, "memory": 1, "disk": 0}


def test_rows_of_other_machines_in_the_target_are_no_matter(duckdb: Store, kdb: Store, instances: list[str]) -> None:
    kdb.append([batch(new_instance(), 1, memory=memory([NOON]))])
    assert migrate(duckdb, kdb, lambda _: None).instances == len(instances)


def test_slices_are_made_of_the_rows_alone(duckdb: Store, kdb: Store, instances: list[str]) -> None:
    migrate(duckdb, kdb, lambda _: None)
    assert slices_of(kdb, instances[0]) == slices_of(duckdb, instances[0])
    assert len({one.sequence for one in batches_of(duckdb, instances[0])}) == len(slices_of(duckdb, instances[0])) == 4


def test_a_target_that_is_away_is_told(duckdb: Store, kdb: Store, server: QServer, instances: list[str]) -> None:
    server.stop()
    with pytest.raises(StoreUnavailable):
        migrate(duckdb, kdb, lambda _: None)
    assert duckdb.counts()["cpu"] == 7200 and len(instances) == 2
