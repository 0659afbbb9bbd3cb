"""The chain holds only when every document belongs to it, and only the whole chain makes an ActiveConsent."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.chain import ActiveConsent, Documents, activate, verify_chain, verify_offer
from consent.document import to_payload
from consent.errors import ChainBroken, ConsentError
from consent.signature import Typ, sign, thumbprint

NOW_MS = 1_790_000_000_000
DAY_MS = 86_400_000
Make = Callable[..., Any]


def test_a_whole_chain_makes_a_leave_for_what_was_granted(signed_consent: Make) -> None:
    consent = signed_consent(granted=["cpu", "disk"], origin="https://metrics.example.org")
    assert consent.active.granted == {"cpu": 1, "disk": 1}
    assert consent.active.origin == "https://metrics.example.org"
    assert consent.active.instance_id == consent.record.instance_id
    assert consent.active.retention_hours == 49


def test_nobody_else_can_make_a_leave(signed_consent: Make) -> None:
    consent = signed_consent()
    chain = verify_chain(consent.documents)
    with pytest.raises(ChainBroken):
        ActiveConsent(chain, consent.key, object())


def test_every_document_swapped_with_another_consents_is_found(signed_consent: Make) -> None:
    mine, other = signed_consent(), signed_consent()
    for name in ("notice", "record", "receipt"):
        mixed = dataclasses.replace(mine.documents, **{name: getattr(other.documents, name)})
        with pytest.raises(ConsentError):
            verify_chain(mixed)


def test_a_receipt_by_anyone_but_the_pinned_operator_is_refused(signed_consent: Make) -> None:
    consent = signed_consent()
    forged = sign(to_payload(consent.receipt), Ed25519PrivateKey.generate(), Typ.RECEIPT)
    with pytest.raises(ConsentError, match="another key"):
        activate(dataclasses.replace(consent.documents, receipt=forged), consent.key, NOW_MS)


@pytest.mark.parametrize("change", [{"record_sha256": "0" * 64}, {"notice_sha256": "0" * 64}, {"state": "withdrawn"}])
def test_a_receipt_for_something_else_is_refused(signed_consent: Make, change: dict[str, str]) -> None:
    consent = signed_consent()
    receipt = sign(to_payload(dataclasses.replace(consent.receipt, **change)), consent.operator_key, Typ.RECEIPT)
    with pytest.raises(ChainBroken):
        verify_chain(dataclasses.replace(consent.documents, receipt=receipt))


def test_another_key_file_gives_no_leave(signed_consent: Make) -> None:
    with pytest.raises(ChainBroken, match="key file"):
        activate(signed_consent().documents, Ed25519PrivateKey.generate(), NOW_MS)


def test_a_swapped_text_and_a_swapped_operator_are_seen(signed_consent: Make) -> None:
    consent = signed_consent()
    pinned = thumbprint(consent.operator_key.public_key())
    swapped = sign(to_payload(dataclasses.replace(consent.offer, text="Other.")), consent.operator_key, Typ.NOTICE)
    with pytest.raises(ChainBroken, match="text"):
        verify_offer(swapped, pinned)
    with pytest.raises(ConsentError):
        verify_offer(consent.documents.notice, thumbprint(Ed25519PrivateKey.generate().public_key()))
    assert verify_offer(consent.documents.notice, pinned) == consent.offer


def test_a_leave_ends_with_its_term(signed_consent: Make) -> None:
    consent = signed_consent(term_days=30)
    activate(consent.documents, consent.key, NOW_MS + 30 * DAY_MS - 1)
    with pytest.raises(ChainBroken, match="expired"):
        activate(consent.documents, consent.key, NOW_MS + 30 * DAY_MS)


def test_a_withdrawn_consent_gives_no_leave_and_its_proof_verifies(
    signed_consent: Make, signed_withdrawal: Make, signed_erasure: Make
) -> None:
    consent = signed_consent()
    withdrawal = signed_withdrawal(consent)
    documents = dataclasses.replace(
        consent.documents, withdrawal=withdrawal, erasure_receipt=signed_erasure(consent, withdrawal)
    )
    chain = verify_chain(documents)
    assert chain.withdrawal is not None and chain.erasure_receipt is not None
    assert chain.erasure_receipt.rows == {"cpu": 1}
    with pytest.raises(ChainBroken, match="withdrawn"):
        activate(documents, consent.key, NOW_MS)


def test_a_strangers_withdrawal_is_refused(signed_consent: Make, signed_withdrawal: Make) -> None:
    mine, other = signed_consent(), signed_consent()
    with pytest.raises(ConsentError):
        verify_chain(dataclasses.replace(mine.documents, withdrawal=signed_withdrawal(other)))


def test_an_erasure_receipt_answers_one_withdrawal(
    signed_consent: Make, signed_withdrawal: Make, signed_erasure: Make
) -> None:
    consent = signed_consent()
    first, second = signed_withdrawal(consent, NOW_MS + 5), signed_withdrawal(consent, NOW_MS + 6)
    with pytest.raises(ChainBroken, match="another withdrawal"):
        verify_chain(
            Documents(
                consent.documents.notice,
                consent.documents.record,
                consent.documents.receipt,
                first,
                signed_erasure(consent, second),
            )
        )
