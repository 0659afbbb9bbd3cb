"""Tokens: shown once, found by id, compared by hash, and every refusal is the same None."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.errors import NotFound, RegistryError
from server.registry import Registry, Scope
from tests.consents import NOW_MS


def test_a_token_opens_what_it_is_for(registry: Registry, path: Path) -> None:
    token_id, secret = registry.create_token("phone", "read", NOW_MS + 1000, NOW_MS)
    assert secret.startswith(f"sysmetric_{token_id}_") and len(secret) == 66
    token = registry.check_token(secret, NOW_MS)
    assert token is not None
    assert (token.id, token.name, token.scope) == (token_id, "phone", Scope.READ)
    assert secret[-43:].encode() not in path.read_bytes()


def test_unknown_wrong_expired_and_revoked_ones_open_nothing(registry: Registry) -> None:
    token_id, secret = registry.create_token("phone", Scope.OPERATOR, NOW_MS + 1000, NOW_MS)
    _, other = registry.create_token("tablet", Scope.OPERATOR, None, NOW_MS)
    assert registry.check_token(secret, NOW_MS + 999) is not None
    assert registry.check_token(secret, NOW_MS + 1000) is None
    assert registry.check_token(secret[:-43] + other[-43:], NOW_MS) is None
    assert registry.check_token(f"sysmetric_{'0' * 12}_{secret[-43:]}", NOW_MS) is None
    assert registry.check_token("", NOW_MS) is None
    registry.revoke_token(token_id, NOW_MS)
    assert registry.check_token(secret, NOW_MS) is None
    assert registry.check_token(other, NOW_MS + 10**12) is not None


@given(secret=st.text(max_size=80) | st.from_regex(r"sysmetric_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", fullmatch=True))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_opens_anything(registry: Registry, secret: str) -> None:
    assert registry.check_token(secret, NOW_MS) is None


def test_use_is_noted_at_most_once_a_minute(registry: Registry) -> None:
    _, secret = registry.create_token("phone", "read", None, NOW_MS)
    noted = []
    for now_ms in (NOW_MS, NOW_MS + 59_999, NOW_MS + 60_000, NOW_MS + 119_999):
        registry.check_token(secret, now_ms)
        noted.append(registry.list_tokens()[0].last_used_ms)
    assert noted == [NOW_MS, NOW_MS, NOW_MS + 60_000, NOW_MS + 60_000]


def test_a_refused_token_is_not_noted_as_used(registry: Registry) -> None:
    token_id, secret = registry.create_token("phone", "read", None, NOW_MS)
    registry.revoke_token(token_id, NOW_MS)
    registry.check_token(secret, NOW_MS)
    assert registry.list_tokens()[0].last_used_ms is None


def test_revoking_twice_is_once_and_unknown_ones_are_named(registry: Registry) -> None:
    token_id, _ = registry.create_token("phone", "read", None, NOW_MS)
    registry.revoke_token(token_id, NOW_MS + 1)
    registry.revoke_token(token_id, NOW_MS + 2)
    assert registry.list_tokens()[0].revoked_ms == NOW_MS + 1
    assert [entry.act for entry in registry.audit_entries(9)] == ["token.revoked", "token.created"]
    with pytest.raises(NotFound, match="no token 'nobody'; run: sysmetric-server token list"):
        registry.revoke_token("nobody", NOW_MS)


def test_a_token_nobody_could_use_is_not_made(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="one of operator, read, not 'root'"):
        registry.create_token("phone", "root", None, NOW_MS)
    with pytest.raises(RegistryError, match="an end in the future"):
        registry.create_token("phone", "read", NOW_MS, NOW_MS)
    assert not registry.list_tokens()
