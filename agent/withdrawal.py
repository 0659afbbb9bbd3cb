"""Withdrawing: as easy as agreeing, at once, also without a network.

Rules:

* ``withdrawal.jws`` is written first. From that moment nothing is sampled, whatever else fails; a running agent sees
  the file within a second and ends. If it cannot be signed (a damaged key), it is written all the same, unsigned.
* Then everything that waits or was logged on this machine is removed.
* The signed withdrawal is delivered until the server answers with an erasure receipt that verifies. Then the private
  key is deleted: it can do nothing any more.
* Every step may be repeated.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from agent.client import call
from agent.documents import discard, is_pending, load, load_enrolment, store
from agent.enrolment import CONSENTS_PATH
from agent.errors import NoConsent, Refused, ServerUnreachable
from agent.paths import AgentPaths
from agent.private_files import remove, sync_directory
from agent.sent_log import purge_sent
from consent.chain import verify_erasure_receipt, verify_receipt, verify_record, verify_withdrawal
from consent.document import to_payload
from consent.errors import ConsentError
from consent.record import SCHEMA_VERSION, ErasureReceipt, Withdrawal
from consent.signature import Typ, load_key_file, sha256_hex, sign
from consent.wire import Problem

if TYPE_CHECKING:
    import httpx

_UNSIGNED = "withdrawn"


def revoke(paths: AgentPaths, now_ms: int) -> None:
    """The local half: stop, and remove what waits here. Needs no network.

    Raises NoConsent where there is nothing to withdraw; ConsentError when it stopped but could not be signed.
    """
    record_jws = load(paths.record)
    if record_jws is None:
        raise NoConsent("there is no consent on this machine, so there is nothing to withdraw")
    try:
        if not _is_signed(paths, record_jws):
            store(paths.withdrawal, sign_withdrawal(paths, record_jws, now_ms))
    except ConsentError:
        if not paths.withdrawal.exists():
            store(paths.withdrawal, _UNSIGNED)
        raise
    finally:
        purge(paths)


def purge(paths: AgentPaths) -> None:
    """Remove what waits to be sent, the log of what was sent, the status and a pause. Raises AgentError."""
    for suffix in ("", "-journal", "-wal", "-shm"):
        remove(Path(f"{paths.spool}{suffix}"))
    purge_sent(paths.sent_log)
    remove(paths.status)
    remove(paths.pause)


def origin_of(paths: AgentPaths) -> str:
    """Where the withdrawal goes: the server that the receipt names, else where the enrolment began.

    Raises ConsentError, NoConsent.
    """
    record_jws, receipt_jws = load(paths.record), load(paths.receipt)
    if record_jws is not None and receipt_jws is not None:
        record, _ = verify_record(record_jws)
        return verify_receipt(receipt_jws, record, record_jws).origin
    enrolment = load_enrolment(paths)
    if enrolment is None:
        raise NoConsent("there is no consent on this machine, so there is nothing to withdraw")
    return enrolment.url


def deliver_withdrawal(paths: AgentPaths, client: "httpx.Client", now_ms: int) -> ErasureReceipt | None:
    """The other half: tell the server and keep its erasure receipt, or None where it never had this consent.

    A withdrawal that is on disk unsigned is signed now. Raises ServerUnreachable (try again), Refused, ConsentError,
    NoConsent where nothing was withdrawn.
    """
    record_jws = load(paths.record)
    if record_jws is None or not paths.withdrawal.exists():
        raise NoConsent("there is no withdrawal to deliver")
    record, _ = verify_record(record_jws)
    kept = load(paths.erasure_receipt)
    withdrawal_jws = load(paths.withdrawal)
    if kept is None:
        if not _is_signed(paths, record_jws):
            withdrawal_jws = sign_withdrawal(paths, record_jws, now_ms)
            store(paths.withdrawal, withdrawal_jws)
        try:
            path = f"{CONSENTS_PATH}/{record.record_id}/withdrawal"
            answer = call(client, "POST", path, {"withdrawal": withdrawal_jws})
        except Refused as error:
            if is_pending(paths) and error.problem == Problem.NOT_FOUND:
                purge(paths)
                discard(paths)  # the yes never reached the server, so there is nothing to erase
                return None
            raise
        kept = answer.get("erasure_receipt")
        if not isinstance(kept, str):
            raise ServerUnreachable("the answer holds no erasure receipt; it will be asked for again")
    erasure = verify_erasure_receipt(kept, record, record_jws, withdrawal_jws)
    store(paths.erasure_receipt, kept)
    purge(paths)
    remove(paths.key)
    sync_directory(paths.data_dir)
    return erasure


def _is_signed(paths: AgentPaths, record_jws: str) -> bool:
    withdrawal_jws = load(paths.withdrawal)
    if withdrawal_jws is None or withdrawal_jws == _UNSIGNED:
        return False
    record, instance_thumbprint = verify_record(record_jws)
    try:
        verify_withdrawal(withdrawal_jws, record, record_jws, instance_thumbprint)
    except ConsentError:
        return False  # damaged: it still stops everything, and is signed anew
    return True


def sign_withdrawal(paths: AgentPaths, record_jws: str, now_ms: int) -> str:
    """A withdrawal of this record by the key on this machine. Raises ConsentError."""
    record, _ = verify_record(record_jws)
    withdrawal = Withdrawal(SCHEMA_VERSION, record.record_id, record.instance_id, sha256_hex(record_jws), now_ms)
    return sign(to_payload(withdrawal), load_key_file(paths.key), Typ.WITHDRAWAL)
