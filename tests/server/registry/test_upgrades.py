"""A registry of an earlier version with data in it is brought to this one, and nothing of the data is lost."""

import sqlite3
from contextlib import closing
from pathlib import Path

from server.registry import Registry, open_registry
from tests.consents import NOW_MS
from tests.server.registry.conftest import KEY, Operator


def test_from_0001_with_data(registry: Registry, operator: Operator, path: Path) -> None:
    consent = operator.enrolled()
    instance = registry.source_instance("web-1")
    registry.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("DROP TABLE pauses; DROP TABLE codes; UPDATE alembic_version SET version_num = '0001'")
    upgraded = open_registry(path, KEY)
    try:
        assert upgraded.evidence(consent.record.record_id).documents == consent.documents
        assert upgraded.sources() == {instance: "web-1"}
        upgraded.note_pause(consent.instance, NOW_MS, None)
        upgraded.leave_code(consent.instance, bytes(32), b"sealed", NOW_MS)
        assert consent.instance in upgraded.paused_instances(NOW_MS + 1)
        assert upgraded.has_code(consent.record.record_id)
    finally:
        upgraded.close()
