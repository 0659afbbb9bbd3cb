"""Pauses: found by digest, joined, bounded, and gone with the samples."""

from pathlib import Path

from server.evidence import Kind
from server.registry import Registry
from server.registry.pauses import PER_INSTANCE, PauseSpan
from tests.consents import DAY_MS, NOW_MS, sign_withdrawal
from tests.server.registry.conftest import Operator

ONE, OTHER = "5f0c3a52-3a0b-4d1e-9c1d-0a4b5c6d7e8f", "6f0c3a52-3a0b-4d1e-9c1d-0a4b5c6d7e8f"
ALL = (0, 10 * NOW_MS)


def test_a_pause_begins_and_ends(registry: Registry) -> None:
    registry.note_pause(ONE, 1000, None)
    assert registry.pauses_of(ONE, *ALL) == [PauseSpan(1000, None)]
    assert ONE in registry.paused_instances(5000) and OTHER not in registry.paused_instances(5000)
    registry.note_pause(ONE, 1000, 6000)
    assert registry.pauses_of(ONE, *ALL) == [PauseSpan(1000, 6000)]
    assert ONE in registry.paused_instances(5999) and ONE not in registry.paused_instances(6000)
    assert not registry.pauses_of(ONE, 6000, 9000) and not registry.pauses_of(OTHER, *ALL)


def test_the_newest_report_joins_what_it_touches(registry: Registry) -> None:
    registry.note_pause(ONE, 1000, 2000)
    registry.note_pause(ONE, 5000, None)
    registry.note_pause(ONE, 6000, None)  # started anew while paused
    registry.note_pause(ONE, 6000, 7000)
    assert registry.pauses_of(ONE, *ALL) == [PauseSpan(1000, 2000), PauseSpan(5000, 7000)]


def test_a_machine_that_samples_again_does_not_rest(registry: Registry) -> None:
    registry.note_pause(ONE, 10_000, None)
    paused = registry.paused_instances(60_000)
    assert paused.rests(ONE, 10_500) and not paused.rests(ONE, 20_000) and not paused.rests(OTHER, 0)


def test_they_are_bounded_per_machine(registry: Registry) -> None:
    registry.note_pause(OTHER, 1, 2)
    for number in range(PER_INSTANCE + 5):
        registry.note_pause(ONE, number * 10, number * 10 + 5)
    kept = registry.pauses_of(ONE, *ALL)
    assert len(kept) == PER_INSTANCE and kept[0].from_ms == 50
    assert len(registry.pauses_of(OTHER, *ALL)) == 1


def test_midnight_deletes_what_is_over_and_cuts_the_rest(registry: Registry) -> None:
    registry.note_pause(ONE, 1000, 2000)
    registry.note_pause(ONE, 3000, None)
    assert registry.expire_pauses(5000) == 1
    assert registry.pauses_of(ONE, *ALL) == [PauseSpan(5000, None)]
    registry.note_pause(ONE, 3000, 9000)
    assert registry.pauses_of(ONE, *ALL)[-1].until_ms == 9000


def test_they_go_with_the_consent_and_no_id_is_in_clear(registry: Registry, operator: Operator, path: Path) -> None:
    for end in ("withdraw", "terminate", "erase"):
        consent = operator.enrolled(operator.offer() if end != "withdraw" else None)
        registry.note_pause(consent.instance, NOW_MS, None)
        assert consent.instance.encode() not in path.read_bytes()
        if end == "withdraw":
            registry.withdraw(consent.record.record_id, sign_withdrawal(consent), NOW_MS + 2)
        elif end == "terminate":
            registry.terminate(consent.record.record_id, NOW_MS + 2)
        else:
            registry.forget_pauses(consent.instance)
        assert not registry.pauses_of(consent.instance, *ALL) and len(registry.paused_instances(NOW_MS + 3)) == 0


def test_a_sealed_withdrawal_is_kept_sealed_and_goes_with_the_proof(
    registry: Registry, operator: Operator, path: Path
) -> None:
    consent = operator.enrolled()
    lookup, sealed = bytes(range(32)), b"sealed bytes of the volunteer" * 9
    registry.leave_code(consent.instance, lookup, sealed, NOW_MS)
    found = registry.sealed_withdrawal(lookup)
    assert found is not None and (found.record_id, found.sealed) == (consent.record.record_id, sealed)
    assert registry.sealed_withdrawal(bytes(32)) is None and registry.has_code(consent.record.record_id)
    assert lookup not in path.read_bytes() and sealed not in path.read_bytes()
    assert Kind.SEALED_WITHDRAWAL.encode() in path.read_bytes()
    end = registry.withdraw(consent.record.record_id, sign_withdrawal(consent), NOW_MS + 2).proof_until_ms
    assert registry.sealed_withdrawal(lookup) is not None, "the code shows the receipt as long as the proof is kept"
    assert registry.purge_evidence(end + DAY_MS) == [consent.record.record_id]
    assert registry.sealed_withdrawal(lookup) is None and not registry.has_code(consent.record.record_id)
