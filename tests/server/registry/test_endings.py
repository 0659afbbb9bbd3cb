"""How consents end: every step is the state machine's, every answer is the same the second time."""

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from consent.chain import verify_chain
from consent.errors import TransitionRefused
from consent.state import Act, State, after
from server.errors import Conflict, NotFound
from server.registry import Registry, open_registry
from tests.consents import DAY_MS, NOW_MS, SignedConsent, sign_erasure, sign_withdrawal
from tests.server.registry.conftest import KEY, Operator

PROOF_MS = 1096 * DAY_MS


def test_withdrawing_ends_it_and_sets_the_end_of_the_proof(registry: Registry, operator: Operator) -> None:
    consent = operator.enrolled()
    ending = registry.withdraw(consent.record.record_id, sign_withdrawal(consent), NOW_MS + 7)
    assert (ending.instance_id, ending.state, ending.repeated) == (consent.instance, State.WITHDRAWN, False)
    assert ending.proof_until_ms == NOW_MS + 7 + PROOF_MS
    assert ending.erasure_receipt_jws is None
    status = registry.consent_of(consent.instance)
    assert status is not None and status.state is State.WITHDRAWN
    assert status.public_key == consent.key.public_key()
    summary = registry.consent(consent.record.record_id)
    assert (summary.instance_id, summary.ended_ms) == (None, NOW_MS + 7)


def test_withdrawing_again_answers_what_is_stored(registry: Registry, operator: Operator) -> None:
    consent = operator.enrolled()
    record_id, withdrawal = consent.record.record_id, sign_withdrawal(consent)
    first = registry.withdraw(record_id, withdrawal, NOW_MS + 1)
    erasure = sign_erasure(consent, withdrawal)
    registry.set_erasure_receipt(record_id, erasure)
    again = registry.withdraw(record_id, sign_withdrawal(consent, NOW_MS + 99), NOW_MS + 99)
    assert (again.repeated, again.erasure_receipt_jws) == (True, erasure)
    assert again.proof_until_ms == first.proof_until_ms
    assert registry.evidence(record_id).withdrawal_jws == withdrawal
    assert [entry.act for entry in registry.audit_entries(9)].count("consent.withdrawn") == 1


def test_the_whole_chain_verifies_from_the_registry(registry: Registry, operator: Operator) -> None:
    consent = operator.enrolled()
    record_id, withdrawal = consent.record.record_id, sign_withdrawal(consent)
    registry.withdraw(record_id, withdrawal, NOW_MS)
    registry.set_erasure_receipt(record_id, sign_erasure(consent, withdrawal))
    chain = verify_chain(registry.evidence(record_id).documents)
    assert chain.withdrawal is not None and chain.erasure_receipt is not None
    assert registry.consent(record_id).erasure_confirmed


def test_a_volunteer_may_withdraw_what_the_operator_terminated(registry: Registry, operator: Operator) -> None:
    consent = operator.enrolled()
    record_id = consent.record.record_id
    assert registry.terminate(record_id, NOW_MS).state is State.TERMINATED
    terminated = sign_erasure(consent, None)
    registry.set_erasure_receipt(record_id, terminated)
    assert registry.terminate(record_id, NOW_MS + 5).repeated
    assert verify_chain(registry.evidence(record_id).documents).erasure_receipt is not None
    withdrawal = sign_withdrawal(consent)
    ending = registry.withdraw(record_id, withdrawal, NOW_MS + DAY_MS)
    # The receipt of the termination answers no withdrawal, so a new one is due.
    assert (ending.repeated, ending.erasure_receipt_jws) == (False, None)
    assert ending.proof_until_ms == NOW_MS + DAY_MS + PROOF_MS
    registry.set_erasure_receipt(record_id, sign_erasure(consent, withdrawal))
    assert verify_chain(registry.evidence(record_id).documents).withdrawal is not None


def test_withdrawn_is_final(registry: Registry, operator: Operator) -> None:
    consent = operator.enrolled()
    registry.withdraw(consent.record.record_id, sign_withdrawal(consent), NOW_MS)
    with pytest.raises(Conflict, match="withdrawn cannot be terminated"):
        registry.terminate(consent.record.record_id, NOW_MS)


def test_an_erasure_receipt_is_set_once_and_only_after_an_ending(registry: Registry, operator: Operator) -> None:
    consent = operator.enrolled()
    record_id = consent.record.record_id
    with pytest.raises(Conflict, match="has not ended"):
        registry.set_erasure_receipt(record_id, "receipt")
    registry.withdraw(record_id, "withdrawal", NOW_MS)
    registry.set_erasure_receipt(record_id, "receipt")
    registry.set_erasure_receipt(record_id, "receipt")
    with pytest.raises(Conflict, match="another erasure receipt"):
        registry.set_erasure_receipt(record_id, "other receipt")
    assert registry.evidence(record_id).erasure_receipt_jws == "receipt"


def test_an_erasure_that_was_interrupted_is_found(registry: Registry, operator: Operator) -> None:
    given, withdrawn, terminated, done = (operator.enrolled() for _ in range(4))
    registry.terminate(terminated.record.record_id, NOW_MS + 1)
    registry.withdraw(withdrawn.record.record_id, "withdrawal", NOW_MS + 2)
    registry.withdraw(done.record.record_id, "withdrawal", NOW_MS + 3)
    registry.set_erasure_receipt(done.record.record_id, "receipt")
    pending = registry.pending_erasures()
    assert [(ending.record_id, ending.instance_id, ending.state) for ending in pending] == [
        (terminated.record.record_id, terminated.instance, State.TERMINATED),
        (withdrawn.record.record_id, withdrawn.instance, State.WITHDRAWN),
    ]
    assert given.record.record_id not in {ending.record_id for ending in pending}


def test_what_ended_is_seen_at_once_by_who_asked_before(registry: Registry, operator: Operator) -> None:
    consent = operator.enrolled()
    before = registry.consent_of(consent.instance)
    assert before is not None and before.state is State.GIVEN
    assert registry.consent_of(consent.instance) is before  # remembered
    registry.terminate(consent.record.record_id, NOW_MS)
    now = registry.consent_of(consent.instance)
    assert now is not None and now.state is State.TERMINATED


@pytest.mark.parametrize("act", ["withdraw", "terminate", "set_erasure_receipt"])
def test_an_unknown_record_has_no_ending(registry: Registry, act: str) -> None:
    calls: dict[str, Callable[[], object]] = {
        "withdraw": lambda: registry.withdraw("nothing", "withdrawal", NOW_MS),
        "terminate": lambda: registry.terminate("nothing", NOW_MS),
        "set_erasure_receipt": lambda: registry.set_erasure_receipt("nothing", "receipt"),
    }
    with pytest.raises(NotFound):
        calls[act]()


class Walk(RuleBasedStateMachine):
    """Any order of acts on one consent leaves the registry in the state that ``consent.state`` says."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(mkdtemp())
        self.registry = open_registry(self.directory / "registry.sqlite3", KEY)
        self.consent: SignedConsent = Operator(self.registry).enrolled(term_days=30)
        self.record_id = self.consent.record.record_id
        self.now_ms = NOW_MS
        self.expected: State | None = State.GIVEN
        self.proof_until_ms: int | None = None

    def teardown(self) -> None:
        self.registry.close()
        shutil.rmtree(self.directory)

    @rule(days=st.integers(1, 400))
    def time_passes(self, days: int) -> None:
        self.now_ms += days * DAY_MS

    @precondition(lambda self: self.expected is not None)
    @rule(act=st.sampled_from([Act.WITHDRAW, Act.TERMINATE]))
    def end(self, act: Act) -> None:
        assert self.expected is not None
        try:
            state = after(self.expected, act)
        except TransitionRefused:
            # A second termination is answered as the first; everything else is refused.
            if self.expected is not State.TERMINATED:
                with pytest.raises(Conflict):
                    self.registry.terminate(self.record_id, self.now_ms)
            else:
                assert self.registry.terminate(self.record_id, self.now_ms).repeated
            return
        if act is Act.WITHDRAW:
            ending = self.registry.withdraw(self.record_id, "withdrawal", self.now_ms)
        else:
            ending = self.registry.terminate(self.record_id, self.now_ms)
        assert ending.repeated == (state is self.expected)
        if not ending.repeated:
            self.proof_until_ms = self.now_ms + PROOF_MS
        self.expected = state
        assert ending.proof_until_ms == self.proof_until_ms

    @rule()
    def midnight(self) -> None:
        purged = self.registry.purge_evidence(self.now_ms)
        valid_until_ms = self.consent.record.event.valid_until
        if self.expected is State.GIVEN and self.now_ms >= valid_until_ms:
            self.expected = after(State.GIVEN, Act.EXPIRE)
            self.proof_until_ms = valid_until_ms + PROOF_MS
        if self.proof_until_ms is not None and self.now_ms >= self.proof_until_ms and self.expected is not None:
            assert purged == [self.record_id]
            self.expected = None
        else:
            assert not purged

    @invariant()
    def the_registry_agrees(self) -> None:
        status = self.registry.consent_of(self.consent.instance)
        assert (None if status is None else status.state) is self.expected


TestWalk = Walk.TestCase
TestWalk.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)
