"""Fixtures that every part of the tests uses."""

from collections.abc import Callable

import pytest

from tests.consents import SignedConsent, sign_consent, sign_erasure, sign_withdrawal


@pytest.fixture
def signed_consent() -> Callable[..., SignedConsent]:
    """``signed_consent(granted=..., origin=..., now_ms=..., term_days=...)`` makes one."""
    return sign_consent


@pytest.fixture
def signed_withdrawal() -> Callable[..., str]:
    """``signed_withdrawal(consent)``: the volunteer's withdrawal."""
    return sign_withdrawal


@pytest.fixture
def signed_erasure() -> Callable[..., str]:
    """``signed_erasure(consent, withdrawal_jws)``: the operator's erasure receipt."""
    return sign_erasure
