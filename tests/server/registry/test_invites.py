"""Invites: shown once, used as often as they say, and a refused one does not say why."""

import sqlite3
import threading
from collections import Counter
from pathlib import Path

import pytest

from server.errors import InviteRefused, NotFound, RegistryError
from server.registry import Registry, open_registry
from tests.consents import NOW_MS
from tests.server.registry.conftest import KEY, Operator, tamper

LATER_MS = NOW_MS + 1000


def test_an_invite_is_listed_with_its_uses(registry: Registry, operator: Operator) -> None:
    invite_id, secret = registry.create_invite(2, LATER_MS, "laptop lab", NOW_MS)
    operator.enrol(operator.volunteer(), invite=secret)
    (invite,) = registry.list_invites()
    assert (invite.id, invite.uses, invite.used, invite.note) == (invite_id, 2, 1, "laptop lab")
    assert (invite.created_ms, invite.expires_ms, invite.revoked_ms) == (NOW_MS, LATER_MS, None)


def test_the_secret_is_in_no_file(registry: Registry, path: Path) -> None:
    _, secret = registry.create_invite(1, LATER_MS, "", NOW_MS)
    assert len(secret) == 22
    assert secret.encode() not in path.read_bytes()


def test_every_refusal_reads_the_same(registry: Registry, operator: Operator) -> None:
    _, used_up = registry.create_invite(1, LATER_MS, "", NOW_MS)
    operator.enrol(operator.volunteer(), invite=used_up)
    _, expired = registry.create_invite(1, LATER_MS, "", NOW_MS)
    revoked_id, revoked = registry.create_invite(1, LATER_MS, "", NOW_MS)
    registry.revoke_invite(revoked_id, NOW_MS)
    sentences = set()
    for secret, now_ms in (
        (used_up, NOW_MS),
        (expired, LATER_MS),
        (revoked, NOW_MS),
        ("guessed", NOW_MS),
        ("", NOW_MS),
    ):
        with pytest.raises(InviteRefused) as refusal:
            operator.enrol(operator.volunteer(), invite=secret, now_ms=now_ms)
        sentences.add(str(refusal.value))
    assert len(sentences) == 1
    assert len(registry.list_consents()) == 1


def test_a_refused_invite_leaves_the_nonce_unspent(registry: Registry, operator: Operator) -> None:
    consent = operator.volunteer()
    with pytest.raises(InviteRefused):
        operator.enrol(consent, invite="guessed", nonce="nonce")
    _, secret = registry.create_invite(1, LATER_MS, "", NOW_MS)
    assert not operator.enrol(consent, invite=secret, nonce="nonce").repeated


@pytest.mark.parametrize("processes", [1, 2])
def test_a_race_for_one_invite_has_one_winner(
    registry: Registry, operator: Operator, path: Path, processes: int
) -> None:
    """Threads of one process queue on its lock; two registries on one file have only SQLite between them."""
    second = registry if processes == 1 else open_registry(path, KEY)
    desks = (operator, Operator(second, operator.key))
    _, secret = registry.create_invite(1, LATER_MS, "", NOW_MS)
    volunteers = [operator.volunteer() for _ in range(20)]
    start = threading.Barrier(len(volunteers))
    outcomes: list[str] = []

    def join(number: int) -> None:
        start.wait()
        try:
            desks[number % 2].enrol(volunteers[number], invite=secret)
            outcomes.append("in")
        except InviteRefused:
            outcomes.append("refused")

    threads = [threading.Thread(target=join, args=(number,)) for number in range(len(volunteers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(outcomes) == {"in": 1, "refused": 19}
    assert [invite.used for invite in registry.list_invites()] == [1]
    assert len(registry.list_consents()) == 1
    second.close()


def test_the_database_itself_refuses_one_use_too_many(registry: Registry, path: Path) -> None:
    registry.create_invite(1, LATER_MS, "", NOW_MS)
    with pytest.raises(sqlite3.IntegrityError):
        tamper(path, "UPDATE invites SET used = 2")


def test_revoking_twice_is_once_and_unknown_ones_are_named(registry: Registry) -> None:
    invite_id, _ = registry.create_invite(1, LATER_MS, "", NOW_MS)
    registry.revoke_invite(invite_id, NOW_MS + 1)
    registry.revoke_invite(invite_id, NOW_MS + 2)
    assert registry.list_invites()[0].revoked_ms == NOW_MS + 1
    assert [entry.act for entry in registry.audit_entries(9)] == ["invite.revoked", "invite.created"]
    with pytest.raises(NotFound, match="no invite 'nobody'; run: sysmetric-server invite list"):
        registry.revoke_invite("nobody", NOW_MS)


@pytest.mark.parametrize(("uses", "expires_ms"), [(0, LATER_MS), (-1, LATER_MS), (1, NOW_MS)])
def test_an_invite_nobody_could_use_is_not_made(registry: Registry, uses: int, expires_ms: int) -> None:
    with pytest.raises(RegistryError):
        registry.create_invite(uses, expires_ms, "", NOW_MS)
