"""Proof is kept for as long as the record says and not a millisecond of a day longer than the next midnight."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from consent.state import State
from server.errors import EvidenceUnreadable, NotFound
from server.registry import Registry
from tests.consents import DAY_MS, NOW_MS, sign_withdrawal
from tests.server.registry.conftest import Operator, tamper

PROOF_MS = 1096 * DAY_MS


def test_evidence_goes_when_its_time_has_passed_and_not_before(registry: Registry, operator: Operator) -> None:
    consent, other = operator.enrolled(), operator.enrolled()
    record_id = consent.record.record_id
    proof_until_ms = registry.withdraw(record_id, sign_withdrawal(consent), NOW_MS).proof_until_ms
    registry.withdraw(other.record.record_id, sign_withdrawal(other), NOW_MS + DAY_MS)
    assert not registry.purge_evidence(proof_until_ms - 1)
    assert registry.evidence(record_id).record_jws == consent.documents.record
    assert registry.purge_evidence(proof_until_ms) == [record_id]
    assert registry.consent_of(consent.instance) is None
    with pytest.raises(NotFound):
        registry.evidence(record_id)
    assert registry.evidence(other.record.record_id).record_jws == other.documents.record
    assert registry.notices(), "records of others refer to it"


def test_nothing_of_a_purged_consent_is_left_in_any_table(registry: Registry, operator: Operator, path: Path) -> None:
    consent = operator.enrolled()
    registry.withdraw(consent.record.record_id, sign_withdrawal(consent), NOW_MS)
    registry.purge_evidence(NOW_MS + PROOF_MS)
    with closing(sqlite3.connect(path)) as connection:
        for table in ("consents", "data_keys", "evidence"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    assert [entry.act for entry in registry.audit_entries(1)] == ["evidence.purged"]


def test_a_consent_in_force_is_never_purged(registry: Registry, operator: Operator) -> None:
    consent = operator.enrolled(term_days=365)
    assert not registry.purge_evidence(NOW_MS + 365 * DAY_MS - 1)
    status = registry.consent_of(consent.instance)
    assert status is not None and status.state is State.GIVEN


def test_a_consent_that_ran_out_keeps_its_proof_from_then_on(registry: Registry, operator: Operator) -> None:
    consent = operator.enrolled(term_days=10)
    ended_ms = NOW_MS + 10 * DAY_MS
    assert not registry.purge_evidence(ended_ms + 5 * DAY_MS)
    summary = registry.consent(consent.record.record_id)
    assert (summary.state, summary.ended_ms) == (State.EXPIRED, ended_ms)
    assert summary.proof_until_ms == ended_ms + PROOF_MS
    assert not registry.pending_erasures(), "midnight deletes its rows anyway"
    assert registry.purge_evidence(ended_ms + PROOF_MS) == [consent.record.record_id]


def test_without_its_data_key_the_evidence_is_gone(registry: Registry, operator: Operator, path: Path) -> None:
    consent = operator.enrolled()
    tamper(path, "DELETE FROM data_keys")
    with pytest.raises(EvidenceUnreadable, match="was destroyed"):
        registry.evidence(consent.record.record_id)


def test_evidence_moved_to_another_row_does_not_open(registry: Registry, operator: Operator, path: Path) -> None:
    mine, other = operator.enrolled(), operator.enrolled()
    tamper(
        path,
        "UPDATE evidence SET sealed = (SELECT sealed FROM evidence WHERE record_id = ? AND kind = 'record') "
        "WHERE record_id = ? AND kind = 'record'",
        other.record.record_id,
        mine.record.record_id,
    )
    with pytest.raises(EvidenceUnreadable, match="the record of consent"):
        registry.evidence(mine.record.record_id)
    tamper(
        path,
        "UPDATE data_keys SET wrapped = (SELECT wrapped FROM data_keys WHERE record_id = ?) WHERE record_id = ?",
        other.record.record_id,
        mine.record.record_id,
    )
    with pytest.raises(EvidenceUnreadable, match="the data-key of consent"):
        registry.evidence(mine.record.record_id)
