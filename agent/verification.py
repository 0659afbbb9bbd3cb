"""The whole chain checked link by link, offline, so that a person sees which link holds and which does not.

The rules are those of ``consent.chain``; this only takes them one at a time. After the first link that does not hold
the later ones are not looked at: they rest on it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agent.paths import AgentPaths
from consent.chain import (
    Documents,
    verify_erasure_receipt,
    verify_offer,
    verify_receipt,
    verify_record,
    verify_withdrawal,
)
from consent.errors import ChainBroken, ConsentError
from consent.record_rules import check_matches
from consent.signature import load_key_file, thumbprint

PROVES = (
    "Whoever holds the key of this machine agreed to exactly this text, for exactly these figures, at this time.",
    "The operator named in the text received it and confirmed it with the key in your link.",
    "Not one letter of the text, the answers or the receipts was changed since.",
)
DOES_NOT_PROVE = (
    "Which person typed the answers, or who you are.",
    "What happens on the operator's server: a receipt is the operator's word, and binds the operator.",
    "That the program that asked you is the published one; that rests on where you installed it from.",
)


@dataclass(frozen=True, slots=True)
class CheckedLink:
    """One link of the chain: its name, what it says in plain words, and what is wrong, or None if it holds."""

    name: str
    words: str
    problem: str | None


def check_links(documents: Documents, key_thumbprint: str | None) -> list[CheckedLink]:
    """Every link up to the first that does not hold. ``key_thumbprint`` is None once the key was deleted."""
    checked = []
    for name, words, check in _links(documents, key_thumbprint):
        try:
            check()
        except ConsentError as error:
            checked.append(CheckedLink(name, words, str(error)))
            break
        checked.append(CheckedLink(name, words, None))
    return checked


def _links(documents: Documents, key_thumbprint: str | None) -> Iterator[tuple[str, str, Callable[[], object]]]:
    yield "record", "your consent is signed by one key and well formed", lambda: verify_record(documents.record)
    record, signer = verify_record(documents.record)
    operator = record.controller.key_thumbprint
    if key_thumbprint is not None:

        def same_key() -> None:
            if key_thumbprint != signer:
                raise ChainBroken("the key on this machine is not the one that signed the consent")

        yield "key", "the key on this machine is the one that signed it", same_key
    yield "notice", "the text is signed by the operator's key", lambda: verify_offer(documents.notice, operator)
    offer = verify_offer(documents.notice, operator)
    yield "terms", "your consent repeats the text's terms word for word", lambda: check_matches(record, offer)
    yield (
        "receipt",
        "the operator confirmed exactly this consent",
        lambda: verify_receipt(documents.receipt, record, documents.record),
    )
    withdrawal, erasure = documents.withdrawal, documents.erasure_receipt
    if withdrawal is not None:
        yield (
            "withdrawal",
            "your withdrawal is signed by the same key and names exactly this consent",
            lambda: verify_withdrawal(withdrawal, record, documents.record, signer),
        )
    if erasure is not None:
        yield (
            "erasure receipt",
            "the operator confirmed the erasure for exactly this withdrawal",
            lambda: verify_erasure_receipt(erasure, record, documents.record, withdrawal),
        )


def thumbprint_of_key(paths: AgentPaths, documents: Documents) -> str | None:
    """The thumbprint of the key on this machine; None once an erasure receipt let it be deleted.

    Raises KeyFileError where it ought to be there.
    """
    if documents.erasure_receipt is not None and not paths.key.exists():
        return None
    return thumbprint(load_key_file(paths.key).public_key())
