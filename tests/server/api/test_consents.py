"""Joining and leaving over HTTP: every answer, with real documents."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.chain import Documents, verify_chain
from consent.document import to_payload
from consent.record import Retention
from consent.signature import Typ, sign
from consent.state import State
from consent.wire import Problem
from server.errors import StoreUnavailable
from server.runtime import Runtime
from tests.server.installation import Clock, Volunteer
from tests.server.problems import check_problem

DAY_MS = 86_400_000
UNKNOWN = "0b9d1f7e-8c55-4f0a-b5a7-2f1e3d4c5b6a"
Newcomer = Callable[[], Volunteer]


def test_joining_brings_a_receipt_that_verifies(
    newcomer: Newcomer, new_invite: Callable[[], str], runtime: Runtime, clock: Clock
) -> None:
    volunteer = newcomer()
    receipt = volunteer.enrol(new_invite(), ["cpu"])
    assert receipt.origin == runtime.config.origin
    assert (receipt.received_at, receipt.valid_until) == (clock(), clock() + 30 * DAY_MS)
    status = runtime.registry.consent_of(volunteer.instance)
    assert status is not None
    assert (status.state, dict(status.granted)) == (State.GIVEN, {"cpu": 1})
    assert runtime.store.latest() == []


def test_the_same_record_again_gets_the_same_receipt(
    newcomer: Newcomer, new_invite: Callable[[], str], clock: Clock, publish_major: Callable[[], None]
) -> None:
    volunteer, invite = newcomer(), new_invite()
    volunteer.sign(*volunteer.fetch(), ["cpu"])
    first = volunteer.post_record(invite)
    clock.now_ms += 2 * DAY_MS  # nonce and invite are used up and too old by now
    publish_major()
    again = volunteer.post_record(invite)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json() == again.get_json()


def test_an_invite_works_once(newcomer: Newcomer, new_invite: Callable[[], str]) -> None:
    invite = new_invite()
    newcomer().enrol(invite)
    late = newcomer()
    late.sign(*late.fetch(), ["cpu"])
    for wrong in (invite, "unknown", "", None):
        check_problem(late.post_record(wrong), Problem.INVITE_REFUSED)
    assert late.post_record(new_invite()).status_code == 201  # a refusal has used nothing up


def test_where_joining_is_open_no_invite_is_needed(
    runtime: Runtime, newcomer: Newcomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    volunteer = newcomer()
    monkeypatch.setattr(
        "server.api.consents.runtime", lambda: replace(runtime, config=replace(runtime.config, enrolment="open"))
    )
    volunteer.enrol(None)


def test_a_nonce_works_once(newcomer: Newcomer, new_invite: Callable[[], str]) -> None:
    volunteer = newcomer()
    offer, nonce = volunteer.fetch()
    volunteer.sign(offer, nonce, ["cpu"])
    assert volunteer.post_record(new_invite()).status_code == 201
    other = newcomer()
    other.sign(offer, nonce, ["cpu"])
    check_problem(other.post_record(new_invite()), Problem.INVALID_RECORD)


def test_a_nonce_that_was_not_issued_here(newcomer: Newcomer, new_invite: Callable[[], str]) -> None:
    volunteer, invite = newcomer(), new_invite()
    for nonce in ("", "made-up", "A" * 56, "ż"):
        volunteer.sign(volunteer.fetch()[0], nonce, ["cpu"])
        check_problem(volunteer.post_record(invite), Problem.INVALID_RECORD)


def test_a_notice_that_was_fetched_too_long_ago(
    newcomer: Newcomer, new_invite: Callable[[], str], clock: Clock
) -> None:
    volunteer = newcomer()
    fetched = volunteer.fetch()
    clock.now_ms += DAY_MS
    volunteer.sign(*fetched, ["cpu"])
    check_problem(volunteer.post_record(new_invite()), Problem.INVALID_RECORD)


@pytest.mark.parametrize("off_ms", [-6 * 60_000, 6 * 60_000])
def test_a_record_by_a_wrong_clock_learns_the_time(
    newcomer: Newcomer, new_invite: Callable[[], str], clock: Clock, off_ms: int
) -> None:
    volunteer = newcomer()
    fetched = volunteer.fetch()
    volunteer.clock = Clock(clock() + off_ms)
    volunteer.sign(*fetched, ["cpu"])
    assert check_problem(volunteer.post_record(new_invite()), Problem.CLOCK_SKEW)["server_time"] == clock()


def test_terms_that_differ_from_the_notice_are_refused(newcomer: Newcomer, new_invite: Callable[[], str]) -> None:
    volunteer = newcomer()
    offer, nonce = volunteer.fetch()
    volunteer.sign(replace(offer, retention=Retention(1, 1)), nonce, ["cpu"])
    assert check_problem(volunteer.post_record(new_invite()), Problem.INVALID_RECORD)["path"] == "retention"


def test_a_notice_of_another_operator_is_refused(newcomer: Newcomer, new_invite: Callable[[], str]) -> None:
    volunteer = newcomer()
    offer, nonce = volunteer.fetch()
    volunteer.sign(replace(offer, notice=replace(offer.notice, sha256="0" * 64)), nonce, ["cpu"])
    check_problem(volunteer.post_record(new_invite()), Problem.INVALID_RECORD)


def test_a_notice_that_was_superseded_is_refused(
    newcomer: Newcomer, new_invite: Callable[[], str], publish_major: Callable[[], None]
) -> None:
    volunteer = newcomer()
    volunteer.sign(*volunteer.fetch(), ["cpu"])
    publish_major()
    check_problem(volunteer.post_record(new_invite()), Problem.NOTICE_SUPERSEDED)


def test_a_record_whose_signature_does_not_hold(newcomer: Newcomer, new_invite: Callable[[], str]) -> None:
    volunteer = newcomer()
    volunteer.sign(*volunteer.fetch(), ["cpu"])
    head, payload, signature = volunteer.record_jws.split(".")
    for forged in (f"{head}.{payload}.{signature[::-1]}", "not a document", f"{head}.{payload}x.{signature}"):
        volunteer.record_jws = forged
        check_problem(volunteer.post_record(new_invite()), Problem.SIGNATURE_INVALID)


def test_an_id_that_is_taken(newcomer: Newcomer, volunteer: Volunteer, new_invite: Callable[[], str]) -> None:
    for taken in ({"record_id": volunteer.record_id}, {"instance": volunteer.instance}):
        other = replace(newcomer(), **taken)  # type: ignore[arg-type]  # two names of str fields
        other.sign(*other.fetch(), ["cpu"])
        check_problem(other.post_record(new_invite()), Problem.CONFLICT)


def test_an_open_server_is_taken_over_by_nobody(
    newcomer: Newcomer, new_invite: Callable[[], str], runtime: Runtime
) -> None:
    public = runtime.registry.source_instance("web-1")
    thief = replace(newcomer(), instance=public)
    thief.sign(*thief.fetch(), ["cpu"])
    invite = new_invite()
    check_problem(thief.post_record(invite), Problem.CONFLICT)
    check_problem(thief.send(thief.batch(tables=["cpu"])), Problem.SIGNATURE_INVALID)
    check_problem(thief.post_withdrawal(), Problem.NOT_FOUND)
    newcomer().enrol(invite)  # the refusal has not used it up


def test_a_body_that_is_no_enrolment(newcomer: Newcomer) -> None:
    bodies: list[Any] = [{}, {"record": 1}, {"record": "x", "more": 1}, [], "text"]
    for body in bodies:
        check_problem(newcomer().http.post("/api/v1/consents", json=body), Problem.INVALID_REQUEST)


def test_bodies_of_the_wrong_size_or_type(newcomer: Newcomer) -> None:
    http = newcomer().http
    check_problem(http.post("/api/v1/consents", json={"record": "x" * 400_000}), Problem.TOO_LARGE)
    check_problem(http.post("/api/v1/consents", data=b"{}", content_type="text/plain"), Problem.UNSUPPORTED)


def test_withdrawing_erases_and_brings_a_receipt(runtime: Runtime, volunteer: Volunteer) -> None:
    volunteer.send(volunteer.batch())
    answer = volunteer.post_withdrawal()
    assert answer.status_code == 200
    erased = volunteer.check_erasure(answer.get_json()["erasure_receipt"])
    assert erased.rows == {"cpu": 6, "memory": 3, "disk": 6}
    assert erased.proof_until == volunteer.clock() + runtime.config.proof_days * DAY_MS
    assert not list(runtime.store.rows(volunteer.instance))
    evidence = runtime.registry.evidence(volunteer.record_id)
    assert verify_chain(evidence.documents).erasure_receipt == erased
    assert isinstance(evidence.documents, Documents)


def test_withdrawing_again_gives_the_same_answer(volunteer: Volunteer, clock: Clock) -> None:
    first = volunteer.post_withdrawal().get_json()
    clock.now_ms += 400 * DAY_MS
    assert volunteer.post_withdrawal().get_json() == first


def test_an_expired_consent_can_be_withdrawn(volunteer: Volunteer, clock: Clock) -> None:
    clock.now_ms += 31 * DAY_MS
    volunteer.check_erasure(volunteer.post_withdrawal().get_json()["erasure_receipt"])


def test_joining_again_with_the_same_key_is_refused(volunteer: Volunteer, new_invite: Callable[[], str]) -> None:
    volunteer.post_withdrawal()
    check_problem(volunteer.post_record(new_invite()), Problem.CONFLICT)


def test_only_the_key_that_gave_can_withdraw(runtime: Runtime, volunteer: Volunteer) -> None:
    forger = replace(volunteer, key=Ed25519PrivateKey.generate())
    check_problem(forger.post_withdrawal(), Problem.SIGNATURE_INVALID)
    status = runtime.registry.consent_of(volunteer.instance)
    assert status is not None and status.state is State.GIVEN


def test_a_withdrawal_of_another_consent_does_nothing(volunteer: Volunteer, enrolled: Callable[..., Volunteer]) -> None:
    other = enrolled()
    answer = volunteer.http.post(
        f"/api/v1/consents/{volunteer.record_id}/withdrawal", json={"withdrawal": other.sign_withdrawal()}
    )
    check_problem(answer, Problem.SIGNATURE_INVALID)
    own = sign({**to_payload(volunteer.record), "time": 1}, volunteer.key, Typ.WITHDRAWAL)
    answer = volunteer.http.post(f"/api/v1/consents/{volunteer.record_id}/withdrawal", json={"withdrawal": own})
    check_problem(answer, Problem.INVALID_RECORD)


def test_a_consent_that_is_not_there(volunteer: Volunteer) -> None:
    for record_id in (UNKNOWN, "x", "%00", "..%2f.."):
        answer = volunteer.http.post(
            f"/api/v1/consents/{record_id}/withdrawal", json={"withdrawal": volunteer.sign_withdrawal()}
        )
        check_problem(answer, Problem.NOT_FOUND)


def test_a_store_that_is_away_leaves_the_withdrawal_standing(
    runtime: Runtime, volunteer: Volunteer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(type(runtime.store), "erase", away)
        answer = volunteer.post_withdrawal()
    check_problem(answer, Problem.UNAVAILABLE)
    check_problem(volunteer.send(volunteer.batch()), Problem.CONSENT_WITHDRAWN)
    volunteer.check_erasure(volunteer.post_withdrawal().get_json()["erasure_receipt"])
