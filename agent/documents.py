"""The documents of one consent on the volunteer's disk, and the way from them to an ``ActiveConsent``.

Rules:

* Each document is one file that holds the compact JWS byte for byte; it is replaced whole and synced, never edited.
* A record without a receipt is *pending*: the volunteer said yes, the server has not confirmed. It gives no leave.
* ``withdrawal.jws`` ends everything the moment it exists, whatever its content.
* The documents of an earlier consent are moved to ``former/<record id>/``: they are the volunteer's proof, and only
  the volunteer removes them.
"""

import json
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from agent.ended import check_not_ended
from agent.errors import NoConsent
from agent.paths import AgentPaths
from agent.private_files import make_private_directory, read_private, remove, replace_private, sync_directory
from consent import chain
from consent.chain import ActiveConsent, Documents, activate, verify_receipt, verify_record
from consent.errors import ChainBroken, ConsentError
from consent.record import ConsentRecord
from consent.signature import load_key_file

GIVE = "sysmetric consent give URL"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Where this machine enrolled: the server's origin, and the invite while the enrolment is pending."""

    url: str
    invite: str | None


def load(path: Path) -> str | None:
    """The compact JWS in a file, or None where there is none. Raises ChainBroken if it is not text."""
    content = read_private(path)
    if content is None:
        return None
    try:
        return content.decode("ascii")
    except UnicodeDecodeError as error:
        raise ChainBroken(f"{path.name} is damaged: it is not a signed document") from error


def store(path: Path, compact: str) -> None:
    """Write a compact JWS: the whole file or none of it, synced to the disk."""
    replace_private(path, compact.encode("ascii"), durable=True)


def load_documents(paths: AgentPaths) -> Documents | None:
    """The documents of a confirmed consent, or None where there is none (or a pending one). Verifies nothing."""
    notice, record, receipt = load(paths.notice), load(paths.record), load(paths.receipt)
    if record is None or receipt is None:
        return None
    if notice is None:
        raise ChainBroken(f"{paths.notice.name} is missing, so the consent cannot be checked")
    return Documents(notice, record, receipt, load(paths.withdrawal), load(paths.erasure_receipt))


class Standing(StrEnum):
    """Where the consent on this machine stands, as far as its own documents and clock tell."""

    NONE = "none"
    PENDING = "pending"
    GIVEN = "given"
    EXPIRED = "expired"
    ENDED = "ended"
    BROKEN = "broken"
    WITHDRAWN = "withdrawn"
    ERASED = "erased"


#: Each with the next step where there is one.
STANDING_WORDS = {
    Standing.NONE: f"none; to read and decide: {GIVE}",
    Standing.PENDING: f"you agreed, the server has not confirmed yet; once more: {GIVE}",
    Standing.GIVEN: "given, in force",
    Standing.EXPIRED: f"expired; to go on: {GIVE}",
    Standing.ENDED: f"ended by the server; to join again: {GIVE}",
    Standing.BROKEN: "does not verify; see: sysmetric consent verify",
    Standing.WITHDRAWN: "withdrawn, the server has still to be told: sysmetric consent revoke",
    Standing.ERASED: f"withdrawn and erased; to join again: {GIVE}",
}


def standing(paths: AgentPaths, now_ms: int) -> Standing:
    """Where the consent stands at ``now_ms``. A chain that does not hold, or a lost key, is ``BROKEN``;
    a consent that the server has declared over is ``ENDED``.
    """
    if not paths.record.exists():
        return Standing.NONE
    if paths.withdrawal.exists():
        return Standing.ERASED if paths.erasure_receipt.exists() else Standing.WITHDRAWN
    if is_pending(paths):
        return Standing.PENDING
    try:
        documents = load_documents(paths)
        if documents is None:
            return Standing.NONE  # removed by another process a moment ago
        record, _ = verify_record(documents.record)
        check_not_ended(paths, activate(documents, load_key_file(paths.key), record.event.time))
        return Standing.GIVEN if now_ms < valid_until_ms(documents, record) else Standing.EXPIRED
    except NoConsent:
        return Standing.ENDED
    except ConsentError:
        return Standing.BROKEN


def valid_until_ms(documents: Documents, record: ConsentRecord) -> int:
    """When the consent ends by itself: what the record and the receipt agree on. Raises ConsentError."""
    return chain.valid_until_ms(record, verify_receipt(documents.receipt, record, documents.record))


def is_pending(paths: AgentPaths) -> bool:
    """Whether a signed record waits for the server's receipt."""
    return paths.record.exists() and not paths.receipt.exists()


def active_consent(paths: AgentPaths, now_ms: int) -> ActiveConsent:
    """The leave that the documents give at ``now_ms``. Raises NoConsent, whose message says the next step."""
    if paths.withdrawal.exists():
        if paths.erasure_receipt.exists():
            raise NoConsent(f"consent was withdrawn on this machine; to join again, run: {GIVE}")
        raise NoConsent(
            "consent was withdrawn on this machine and the server has still to be told; run: sysmetric consent revoke"
        )
    if is_pending(paths):
        raise NoConsent(f"you agreed, but the server has not confirmed it yet; run once more: {GIVE}")
    try:
        documents = load_documents(paths)
        if documents is None:
            raise NoConsent(f"there is no consent on this machine, so nothing is sampled; to read and decide: {GIVE}")
        active = activate(documents, load_key_file(paths.key), now_ms)
        check_not_ended(paths, active)
        return active
    except ConsentError as error:
        raise NoConsent(str(error)) from error


def load_enrolment(paths: AgentPaths) -> Enrolment | None:
    """Where this machine enrolled, or None. Raises ChainBroken if the file is damaged."""
    content = read_private(paths.enrolment)
    if content is None:
        return None
    try:
        document = json.loads(content)
        url, invite = document["url"], document.get("invite")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ChainBroken(f"{paths.enrolment} is damaged; it should hold the address of the server") from error
    if not isinstance(url, str) or not isinstance(invite, str | None):
        raise ChainBroken(f"{paths.enrolment} is damaged; it should hold the address of the server")
    return Enrolment(url, invite)


def store_enrolment(paths: AgentPaths, enrolment: Enrolment) -> None:
    """Remember the server; the invite only while it is still needed."""
    document = {"url": enrolment.url}
    if enrolment.invite is not None:
        document["invite"] = enrolment.invite
    replace_private(paths.enrolment, json.dumps(document).encode(), durable=True)


def discard(paths: AgentPaths) -> None:
    """Remove a consent that never came into force, or what a power cut left of one."""
    if not paths.data_dir.exists():
        return
    for path in (
        paths.record,
        paths.key,
        paths.receipt,
        paths.notice,
        paths.enrolment,
        paths.erasure_receipt,
        paths.withdrawal,
        paths.code_note,
    ):
        remove(path)
    sync_directory(paths.data_dir)


def archive(paths: AgentPaths, name: str) -> Path:
    """Move the documents of an ended consent to ``former/<name>/``, its record id, and return that directory."""
    former = paths.data_dir / "former"
    make_private_directory(former)
    target = former / name
    make_private_directory(target)
    # The record goes first: without it the rest gives no leave, wherever a power cut stops the moving.
    for path in (
        paths.record,
        paths.erasure_receipt,
        paths.withdrawal,
        paths.receipt,
        paths.notice,
        paths.enrolment,
        paths.key,
        paths.ended,
        paths.pause,
        paths.code_note,
    ):
        if path.exists():
            os.replace(path, target / path.name)
    sync_directory(target)
    sync_directory(paths.data_dir)
    return target
