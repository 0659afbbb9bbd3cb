"""The audit can be added to and read; the database itself refuses anything else."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from server.errors import RegistryError
from server.registry import AuditEntry, Registry
from tests.consents import NOW_MS, sign_withdrawal
from tests.server.registry.conftest import Operator, tamper


def test_entries_come_back_newest_first(registry: Registry) -> None:
    for number in range(5):
        registry.audit("operator", "consent.exported", f"record {number}", NOW_MS - number)
    assert registry.audit_entries(2) == [
        AuditEntry(NOW_MS - 4, "operator", "consent.exported", "record 4"),
        AuditEntry(NOW_MS - 3, "operator", "consent.exported", "record 3"),
    ]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit", "DELETE FROM audit WHERE time_ms < 5"],
)
def test_the_database_refuses_to_change_or_drop_entries(registry: Registry, path: Path, statement: str) -> None:
    registry.audit("operator", "consent.exported", "record", 1)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        tamper(path, statement)
    assert len(registry.audit_entries(5)) == 1


def test_retention_drops_old_entries_and_no_others(registry: Registry, path: Path) -> None:
    for time_ms in (10, 20, 30):
        registry.audit("operator", "consent.exported", "record", time_ms)
    assert registry.purge_audit(20) == 1
    assert [entry.time_ms for entry in registry.audit_entries(5)] == [30, 20]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM audit_retention").fetchone() == (0,)


def test_an_instance_is_never_a_subject(registry: Registry, operator: Operator) -> None:
    consent = operator.enrolled()
    for _ in ("given", "withdrawn"):
        with pytest.raises(RegistryError, match="never an instance"):
            registry.audit("operator", "rows.exported", consent.instance, NOW_MS)
        registry.withdraw(consent.record.record_id, sign_withdrawal(consent), NOW_MS)


def test_the_registry_writes_down_its_own_acts(registry: Registry, operator: Operator) -> None:
    consent = operator.enrolled()
    other = operator.enrolled()
    registry.withdraw(consent.record.record_id, sign_withdrawal(consent), NOW_MS + 1)
    registry.terminate(other.record.record_id, NOW_MS + 2, actor="token 1")
    assert [(entry.actor, entry.act, entry.subject) for entry in reversed(registry.audit_entries(9))] == [
        ("operator", "notice.published", "1.0.0/en"),
        ("volunteer", "consent.given", consent.record.record_id),
        ("volunteer", "consent.given", other.record.record_id),
        ("volunteer", "consent.withdrawn", consent.record.record_id),
        ("token 1", "consent.terminated", other.record.record_id),
    ]
