"""What the files themselves give away: no instance, no document, and nothing of what was erased."""

import hashlib
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

from consent.alias import alias_of
from server.registry import Registry
from tests.consents import DAY_MS, NOW_MS, SignedConsent, sign_erasure, sign_withdrawal
from tests.server.registry.conftest import Operator


def everything(path: Path) -> bytes:
    """The bytes of the database and of every file SQLite may have put next to it."""
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob(path.name + "*")))


def traces(consent: SignedConsent) -> dict[str, bytes]:
    """Whatever would lead from the files to the instance."""
    instance = uuid.UUID(consent.instance)
    return {
        "text": consent.instance.encode(),
        "text in capitals": consent.instance.upper().encode(),
        "UTF-16": consent.instance.encode("utf-16-le"),
        "raw": instance.bytes,
        "raw, little endian": instance.bytes_le,
        "hex": instance.hex.encode(),
        "alias": alias_of(consent.instance).encode(),
        "plain hash": hashlib.sha256(consent.instance.encode()).digest(),
        "plain hash in hex": hashlib.sha256(consent.instance.encode()).hexdigest().encode(),
        "public key": consent.key.public_key().public_bytes_raw(),
        "record": consent.documents.record.encode()[-40:],
        "receipt": consent.documents.receipt.encode()[-40:],
    }


def assert_untraceable(path: Path, consent: SignedConsent) -> None:
    found = everything(path)
    assert consent.record.record_id.encode() in found, "the search itself works"
    assert [name for name, trace in traces(consent).items() if trace in found] == []


def test_no_file_leads_to_an_instance(registry: Registry, operator: Operator, path: Path) -> None:
    consent = operator.enrolled()
    record_id = consent.record.record_id
    assert_untraceable(path, consent)
    registry.consent_of(consent.instance)
    registry.list_consents()
    withdrawal = sign_withdrawal(consent)
    registry.withdraw(record_id, withdrawal, NOW_MS)
    assert_untraceable(path, consent)
    erasure = sign_erasure(consent, withdrawal)
    registry.set_erasure_receipt(record_id, erasure)
    assert_untraceable(path, consent)
    for document in (withdrawal, erasure):
        assert document.encode()[-40:] not in everything(path)
    registry.close()
    assert_untraceable(path, consent)


def test_a_purged_consent_leaves_no_bytes(registry: Registry, operator: Operator, path: Path) -> None:
    """Pages that become free are overwritten, and no journal keeps what they held."""
    consents = [operator.enrolled() for _ in range(40)]
    for consent in consents:
        registry.withdraw(consent.record.record_id, sign_withdrawal(consent), NOW_MS)
    with closing(sqlite3.connect(path)) as connection:
        keys = [row[0] for row in connection.execute("SELECT wrapped FROM data_keys")]
        sealed = [row[0] for row in connection.execute("SELECT sealed FROM evidence")]
        lookups = [row[0] for row in connection.execute("SELECT lookup FROM consents")]
    before = everything(path)
    assert all(key in before for key in keys) and all(lookup in before for lookup in lookups)
    assert len(registry.purge_evidence(NOW_MS + 1096 * DAY_MS)) == 40
    left = everything(path)
    assert not [key for key in keys if key in left]
    assert not [lookup for lookup in lookups if lookup in left]
    # A large value is split over pages, so look for pieces of it.
    assert not [value for value in sealed if value[12:44] in left or value[-32:] in left]


def test_the_journal_is_empty_between_transactions(operator: Operator, path: Path) -> None:
    operator.enrolled()
    beside = [file for file in path.parent.iterdir() if file != path]
    assert all(file.stat().st_size == 0 for file in beside), beside
