"""The consent life as a state machine: every step that exists, none that does not."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from consent.errors import TransitionRefused
from consent.notice import Version
from consent.state import Act, State, after, effective

V1, V11, V2 = Version(1, 0, 0), Version(1, 1, 9), Version(2, 0, 0)


def test_withdrawing_is_possible_from_everywhere_and_final() -> None:
    for state in State:
        assert after(state, Act.WITHDRAW) is State.WITHDRAWN
    for act in set(Act) - {Act.WITHDRAW}:
        with pytest.raises(TransitionRefused) as caught:
            after(State.WITHDRAWN, act)
        assert caught.value.state == "withdrawn"


def test_no_step_leads_back_to_given() -> None:
    for state, act in itertools.product(State, Act):
        try:
            assert after(state, act) is not State.GIVEN
        except TransitionRefused:
            pass


def test_the_last_millisecond_counts_and_the_next_does_not() -> None:
    assert effective(State.GIVEN, valid_until_ms=100, notice=V1, current=V1, now_ms=99) is State.GIVEN
    assert effective(State.GIVEN, valid_until_ms=100, notice=V1, current=V1, now_ms=100) is State.EXPIRED


def test_only_a_major_version_supersedes() -> None:
    assert effective(State.GIVEN, valid_until_ms=9, notice=V1, current=V11, now_ms=1) is State.GIVEN
    assert effective(State.GIVEN, valid_until_ms=9, notice=V1, current=V2, now_ms=1) is State.SUPERSEDED


@given(st.sampled_from(sorted(set(State) - {State.GIVEN})), st.integers(), st.integers())
def test_no_clock_revives_an_ended_consent(state: State, valid_until_ms: int, now_ms: int) -> None:
    assert effective(state, valid_until_ms=valid_until_ms, notice=V1, current=V1, now_ms=now_ms) is state


class ConsentLife(RuleBasedStateMachine):
    """Whatever happens in whatever order, an ended consent never accepts data again."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State.GIVEN
        self.ended = False
        self.withdrawn = False

    @rule(act=st.sampled_from(list(Act)))
    def happens(self, act: Act) -> None:
        try:
            self.state = after(self.state, act)
        except TransitionRefused:
            return
        self.ended = True
        self.withdrawn = self.withdrawn or act is Act.WITHDRAW

    @invariant()
    def ended_stays_ended(self) -> None:
        assert (self.state is State.GIVEN) is not self.ended

    @invariant()
    def withdrawn_stays_withdrawn(self) -> None:
        assert (self.state is State.WITHDRAWN) is self.withdrawn


TestConsentLife = ConsentLife.TestCase
