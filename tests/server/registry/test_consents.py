"""Enrolling is one transaction, the same record again is the same answer, and the documents stay byte for byte."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from consent.chain import verify_chain
from consent.notice import Version
from consent.state import State
from server.errors import Conflict, NonceRefused, NotFound, ServerError
from server.registry import EnrolResult, Registry
from server.registry.nonces import spend
from tests.consents import DAY_MS, NOW_MS, sign_consent
from tests.server.registry.conftest import Operator


def test_an_enrolled_instance_is_known_by_its_id(registry: Registry, operator: Operator) -> None:
    consent = sign_consent(granted=["cpu", "disk"], operator_key=operator.key, offer=operator.publish())
    assert registry.consent_of(consent.instance) is None
    assert operator.enrol(consent) == EnrolResult(consent.documents.receipt, repeated=False)
    status = registry.consent_of(consent.instance)
    assert status is not None
    assert (status.record_id, status.state) == (consent.record.record_id, State.GIVEN)
    assert status.granted == {"cpu": 1, "disk": 1}
    assert status.valid_until_ms == NOW_MS + 365 * DAY_MS
    assert status.notice_version == Version(1, 0, 0)
    assert status.public_key == consent.key.public_key()
    assert registry.consent(consent.record.record_id).instance_id == consent.instance


def test_the_evidence_is_the_signed_bytes_and_the_chain_holds(registry: Registry, operator: Operator) -> None:
    consent = operator.enrolled()
    evidence = registry.evidence(consent.record.record_id)
    assert evidence.documents == consent.documents
    assert verify_chain(evidence.documents).record == consent.record


def test_the_list_shows_what_was_given(registry: Registry, operator: Operator) -> None:
    consents = {consent.record.record_id: consent for consent in (operator.enrolled() for _ in range(3))}
    listed = registry.list_consents()
    assert {summary.record_id: summary.instance_id for summary in listed} == {
        record_id: consent.instance for record_id, consent in consents.items()
    }
    summary = listed[0]
    assert summary == registry.consent(summary.record_id)
    assert (summary.state, summary.locale, summary.received_ms) == (State.GIVEN, "en", NOW_MS)
    assert (summary.ended_ms, summary.proof_until_ms, summary.erasure_confirmed) == (None, None, False)


def test_the_same_record_again_gives_the_first_receipt_and_takes_nothing(
    registry: Registry, operator: Operator
) -> None:
    _, secret = registry.create_invite(1, NOW_MS + 1000, "", NOW_MS)
    consent = operator.volunteer()
    operator.enrol(consent, invite=secret, nonce="nonce")
    later = replace(consent, documents=replace(consent.documents, receipt="a receipt made later"))
    assert operator.enrol(later, invite=secret, nonce="nonce", now_ms=NOW_MS + DAY_MS) == EnrolResult(
        consent.documents.receipt, repeated=True
    )
    assert registry.list_invites()[0].used == 1


def test_a_record_id_is_used_once(registry: Registry, operator: Operator) -> None:
    mine, other = operator.enrolled(), operator.volunteer()
    same_id = replace(other, record=replace(other.record, record_id=mine.record.record_id))
    with pytest.raises(Conflict):
        operator.enrol(same_id)
    assert registry.evidence(mine.record.record_id).documents == mine.documents
    assert registry.consent_of(other.instance) is None


def test_an_instance_enrols_once(registry: Registry, operator: Operator) -> None:
    mine, other = operator.enrolled(), operator.volunteer()
    same_instance = replace(other, record=replace(other.record, instance_id=mine.instance))
    with pytest.raises(Conflict):
        operator.enrol(same_instance)
    status = registry.consent_of(mine.instance)
    assert status is not None and status.record_id == mine.record.record_id


def test_an_ended_consent_does_not_come_back_with_its_old_record(registry: Registry, operator: Operator) -> None:
    consent = operator.enrolled()
    registry.withdraw(consent.record.record_id, "withdrawal", NOW_MS)
    with pytest.raises(Conflict, match="withdrawn; joining again takes a new key and a new instance"):
        operator.enrol(consent)


def test_a_notice_that_was_never_published_cannot_be_accepted(registry: Registry, operator: Operator) -> None:
    operator.publish()
    _, secret = registry.create_invite(1, NOW_MS + 1000, "", NOW_MS)
    consent = operator.volunteer(operator.offer("1.1.0"))
    with pytest.raises(NotFound, match="never published"):
        operator.enrol(consent, invite=secret, nonce="nonce")
    assert registry.list_invites()[0].used == 0
    assert operator.enrol(operator.volunteer(), nonce="nonce") is not None


def test_a_nonce_enrols_once(registry: Registry, operator: Operator) -> None:
    operator.enrol(operator.volunteer(), nonce="nonce")
    with pytest.raises(NonceRefused):
        operator.enrol(operator.volunteer(), nonce="nonce")
    assert len(registry.list_consents()) == 1


def test_a_race_for_one_nonce_has_one_winner(registry: Registry, operator: Operator) -> None:
    volunteers = [operator.volunteer() for _ in range(20)]
    start = threading.Barrier(len(volunteers))
    refused: list[int] = []

    def join(number: int) -> None:
        start.wait()
        try:
            operator.enrol(volunteers[number], nonce="nonce")
        except NonceRefused:
            refused.append(number)

    threads = [threading.Thread(target=join, args=(number,)) for number in range(len(volunteers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 19
    assert len(registry.list_consents()) == 1


def test_a_race_of_the_same_record_gives_everybody_one_receipt(registry: Registry, operator: Operator) -> None:
    consent = operator.volunteer()
    start = threading.Barrier(8)
    results: list[EnrolResult] = []

    def join(number: int) -> None:
        start.wait()
        mine = replace(consent, documents=replace(consent.documents, receipt=f"receipt {number}"))
        results.append(operator.enrol(mine, nonce="nonce"))

    threads = [threading.Thread(target=join, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({result.receipt_jws for result in results}) == 1
    assert sorted(result.repeated for result in results) == [False] + [True] * 7
    assert registry.evidence(consent.record.record_id).receipt_jws == results[0].receipt_jws


def test_spent_nonces_are_forgotten_once_they_have_expired(registry: Registry) -> None:
    def use(nonce: str, expires_ms: int, now_ms: int) -> None:
        with registry.writing() as connection:
            spend(connection, nonce, expires_ms, now_ms)

    use("a", NOW_MS + 10, NOW_MS)
    with pytest.raises(NonceRefused, match="used before"):
        use("a", NOW_MS + 10, NOW_MS + 9)
    with pytest.raises(NonceRefused, match="expired"):
        use("b", NOW_MS, NOW_MS)
    use("a", NOW_MS + 30, NOW_MS + 10)


def test_unknown_records_are_named_with_the_next_step(registry: Registry) -> None:
    for ask in (registry.evidence, registry.consent):
        with pytest.raises(NotFound, match="no consent 'nothing'; run: sysmetric-server consents list"):
            ask("nothing")


def test_readers_and_writers_do_not_get_in_each_others_way(registry: Registry, operator: Operator) -> None:
    consent = operator.enrolled()
    problems: list[Exception] = []

    def run(work: Callable[[], object]) -> None:
        try:
            for _ in range(10):
                work()
        except ServerError as error:
            problems.append(error)

    def read() -> None:
        assert registry.consent(consent.record.record_id).instance_id == consent.instance
        assert registry.consent_of(consent.instance) is not None

    def write() -> None:
        registry.audit("operator", "consent.exported", consent.record.record_id, NOW_MS)

    threads = [threading.Thread(target=run, args=(work,)) for work in (read, write) * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert [entry.act for entry in registry.audit_entries(1000)].count("consent.exported") == 80
