"""Withdrawing: at once, offline too, delivered exactly until the server's receipt verifies, and repeatable."""

import json
import os
from collections.abc import Callable

import pytest

from agent.client import open_client
from agent.documents import active_consent, load, load_documents
from agent.errors import NoConsent, Refused, ServerUnreachable
from agent.paths import AgentPaths
from agent.private_files import replace_private
from agent.spool import Packed, Spool
from agent.withdrawal import deliver_withdrawal, origin_of, purge, revoke
from consent.chain import Chain, verify_chain, verify_withdrawal
from consent.errors import ConsentError, SignatureInvalid
from consent.record import ErasureReceipt
from consent.signature import key_pem, write_exclusively
from tests.agent.operator_server import Operator
from tests.consents import NOW_MS, SignedConsent

Sign = Callable[..., SignedConsent]


@pytest.fixture
def consent(paths: AgentPaths, operator: Operator, signed_consent: Sign) -> SignedConsent:
    """A consent in force on this machine, which the operator knows."""
    made = signed_consent(origin=operator.url)
    operator.key = made.operator_key
    operator.records[made.record.record_id] = made.documents.record
    write_exclusively(paths.key, key_pem(made.key))
    for path, compact in (
        (paths.notice, made.documents.notice),
        (paths.record, made.documents.record),
        (paths.receipt, made.documents.receipt),
    ):
        write_exclusively(path, compact.encode())
    return made


def deliver(paths: AgentPaths) -> ErasureReceipt | None:
    with open_client(origin_of(paths)) as client:
        return deliver_withdrawal(paths, client, NOW_MS + 1)


def test_revoke_signs_and_stops_without_a_network(
    paths: AgentPaths, consent: SignedConsent, operator: Operator
) -> None:
    revoke(paths, NOW_MS + 1)
    assert consent.active
    chain = verify_chain_of(paths)
    assert chain.withdrawal is not None and chain.withdrawal.time == NOW_MS + 1
    with pytest.raises(NoConsent, match="the server has still to be told"):
        active_consent(paths, NOW_MS + 2)
    assert not operator.requests


def test_revoke_removes_what_waits_and_what_was_logged(paths: AgentPaths, consent: SignedConsent) -> None:
    spool = Spool(consent.active, paths.spool, max_bytes=1 << 20, now_ms=lambda: NOW_MS)
    spool.reserve()
    spool.put([Packed(1, NOW_MS, b"a marker in a sample")])
    older = paths.sent_log.with_name("sent.older.jsonl")
    for path in (paths.sent_log, older, paths.status, paths.pause):
        replace_private(path, b"a marker in a sample", durable=False)
    revoke(paths, NOW_MS + 1)
    spool.close()
    left = {path.name for folder in (paths.data_dir, paths.runtime_dir) for path in folder.iterdir()}
    assert left == {"key.pem", "notice.jws", "record.jws", "receipt.jws", "withdrawal.jws"}


def test_delivery_brings_the_erasure_receipt_and_then_the_key_goes(
    paths: AgentPaths, consent: SignedConsent, operator: Operator
) -> None:
    revoke(paths, NOW_MS + 1)
    erasure = deliver(paths)
    assert erasure is not None and erasure.rows == {"cpu": 7, "memory": 1}
    assert not paths.key.exists()
    assert verify_chain_of(paths).erasure_receipt == erasure
    assert operator.paths == [f"POST /api/v1/consents/{consent.record.record_id}/withdrawal"]
    with pytest.raises(NoConsent, match="to join again"):
        active_consent(paths, NOW_MS + 2)


def test_everything_may_be_repeated(paths: AgentPaths, consent: SignedConsent, operator: Operator) -> None:
    revoke(paths, NOW_MS + 1)
    first = load(paths.withdrawal)
    revoke(paths, NOW_MS + 5)
    assert load(paths.withdrawal) == first, "the withdrawal of the first moment stays"
    erasure = deliver(paths)
    revoke(paths, NOW_MS + 9)
    assert deliver(paths) == erasure
    assert len(operator.requests) == 1, "the receipt is there already"
    assert consent.record.record_id in operator.erasures


def test_offline_it_is_kept_and_delivered_later_with_the_same_bytes(
    paths: AgentPaths, consent: SignedConsent, operator: Operator
) -> None:
    revoke(paths, NOW_MS + 1)
    operator.trouble = lambda path: "drop"
    with pytest.raises(ServerUnreachable):
        deliver(paths)
    assert paths.key.exists() and not paths.erasure_receipt.exists()
    operator.trouble = lambda path: None
    assert deliver(paths) is not None
    sent = [body["withdrawal"] for _, _, body, _ in operator.requests]
    assert sent[0] == sent[1] and list(operator.erasures) == [consent.record.record_id]


def test_a_forged_erasure_receipt_is_not_believed(
    paths: AgentPaths, consent: SignedConsent, operator: Operator
) -> None:
    revoke(paths, NOW_MS + 1)
    operator.trouble = lambda path: "forge"
    with pytest.raises(SignatureInvalid):
        deliver(paths)
    assert paths.key.exists() and not paths.erasure_receipt.exists()
    operator.erasures.pop(consent.record.record_id)
    operator.trouble = lambda path: None
    assert deliver(paths) is not None


def test_a_refusal_of_a_confirmed_consent_keeps_everything(
    paths: AgentPaths, consent: SignedConsent, operator: Operator
) -> None:
    revoke(paths, NOW_MS + 1)
    operator.records.clear()
    with pytest.raises(Refused, match="not-found"):
        deliver(paths)
    assert paths.key.exists() and paths.withdrawal.exists() and consent.instance


def test_nothing_to_withdraw(unprepared: AgentPaths) -> None:
    with pytest.raises(NoConsent, match="nothing to withdraw"):
        revoke(unprepared, NOW_MS)
    with pytest.raises(NoConsent, match="nothing to withdraw"):
        origin_of(unprepared)
    assert not unprepared.data_dir.exists()


def test_delivery_needs_a_withdrawal(paths: AgentPaths, consent: SignedConsent, operator: Operator) -> None:
    with pytest.raises(NoConsent, match="no withdrawal"):
        deliver(paths)
    assert paths.key.exists() and not operator.requests and consent.instance


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX")
def test_it_stops_even_if_it_cannot_be_signed(paths: AgentPaths, consent: SignedConsent) -> None:
    paths.key.chmod(0o644)
    with pytest.raises(ConsentError, match="chmod 600"):
        revoke(paths, NOW_MS + 1)
    with pytest.raises(NoConsent, match="withdrawn"):
        active_consent(paths, NOW_MS + 1)
    paths.key.chmod(0o600)
    revoke(paths, NOW_MS + 2)
    compact = load(paths.withdrawal)
    assert compact is not None
    verify_withdrawal(compact, consent.record, consent.documents.record, verify_chain_of(paths).instance_thumbprint)
    assert deliver(paths) is not None


@pytest.mark.parametrize("damage", ["", "withdrawn", "a.b.c"])
def test_a_damaged_withdrawal_is_signed_anew(paths: AgentPaths, consent: SignedConsent, damage: str) -> None:
    replace_private(paths.withdrawal, damage.encode(), durable=False)
    assert deliver(paths) is not None, "the running agent may deliver what could not be signed before"
    assert verify_chain_of(paths).withdrawal is not None and consent.instance


def test_the_withdrawal_goes_where_the_receipt_says(paths: AgentPaths, consent: SignedConsent) -> None:
    replace_private(paths.enrolment, json.dumps({"url": "https://elsewhere.example"}).encode(), durable=False)
    assert origin_of(paths) == consent.receipt.origin


def test_purging_nothing_is_fine(unprepared: AgentPaths) -> None:
    purge(unprepared)
    assert not unprepared.data_dir.exists()


def verify_chain_of(paths: AgentPaths) -> Chain:
    documents = load_documents(paths)
    assert documents is not None
    return verify_chain(documents)
