"""The end of a consent, whoever ends it: no further row, no row left, and a signed receipt for that.

Rules, in this order:

1. The registry marks the consent as ended. From here on the gate refuses its batches.
2. The store erases the instance for good. A batch that passed the gate before step 1 meets this bar and is refused
   by the store, so no row can come after.
3. The operator signs an erasure receipt, which is stored and handed out.

* Every step may be repeated. A process that died in between leaves an ended consent without a receipt; the volunteer's
  next try or ``finish_withdrawals`` at start-up completes it.
* The first withdrawal that arrives is the one that counts; the same answer is given ever after.
* The withdrawal is acceptable in every state, also long after expiry: the right to withdraw does not end.
"""

import logging
import threading

from consent.chain import verify_record, verify_withdrawal
from consent.document import to_payload
from consent.errors import CodeWrong, ConsentError
from consent.record import SCHEMA_VERSION, ErasureReceipt
from consent.signature import Typ, sha256_hex, sign
from consent.withdrawal_code import SEALED_BYTES, WithdrawalCode, unseal
from server.errors import Conflict
from server.registry.values import Ending
from server.runtime import Runtime

_log = logging.getLogger("sysmetric.withdrawal")
#: Two deliveries of one withdrawal must not each sign a receipt. One process holds a data directory, so one lock does.
_one_at_a_time = threading.Lock()
_NOTHING_SEALED = bytes(SEALED_BYTES)


def withdraw(runtime: Runtime, record_id: str, withdrawal_jws: str) -> str:
    """Carry out a volunteer's withdrawal and return the erasure receipt.

    Raises NotFound (no such record), ConsentError (not a withdrawal of this record by its key), StoreError: the
    withdrawal stands, and erasing has to be tried again.
    """
    record_jws = runtime.registry.evidence(record_id).record_jws
    record, instance_thumbprint = verify_record(record_jws)
    verify_withdrawal(withdrawal_jws, record, record_jws, instance_thumbprint)
    with _one_at_a_time:
        ending = runtime.registry.withdraw(record_id, withdrawal_jws, runtime.now_ms())
        runtime.links.forget(ending.instance_id)
        return _complete(runtime, ending)


def withdraw_by_code(runtime: Runtime, code: WithdrawalCode) -> str:
    """Carry out the withdrawal that a volunteer left sealed for the day their machine is lost; returns the record id.

    Raises CodeWrong: the code opens nothing here; whether it is unknown or what it opens is no withdrawal of that
    consent, the answer is the same and takes the same work. Else as ``withdraw``.
    """
    found = runtime.registry.sealed_withdrawal(code.lookup)
    withdrawal_jws = unseal(code, *(("", _NOTHING_SEALED) if found is None else (found.record_id, found.sealed)))
    assert found is not None  # nothing opens the other
    try:
        withdraw(runtime, found.record_id, withdrawal_jws)
    except ConsentError as error:
        raise CodeWrong("this code opens no withdrawal") from error
    return found.record_id


def terminate(runtime: Runtime, record_id: str, actor: str = "operator") -> str:
    """The operator ends a consent: erased as if withdrawn. Returns the erasure receipt. Raises as ``withdraw``."""
    with _one_at_a_time:
        ending = runtime.registry.terminate(record_id, runtime.now_ms(), actor=actor)
        runtime.links.forget(ending.instance_id)
        return _complete(runtime, ending)


def finish_withdrawals(runtime: Runtime) -> int:
    """Complete what an earlier process left half done; how many there were. Run before anything is served."""
    with _one_at_a_time:
        pending = runtime.registry.pending_erasures()
        for ending in pending:
            _complete(runtime, ending)
    if pending:
        _log.info("finished erasures count=%d", len(pending))
    return len(pending)


def _complete(runtime: Runtime, ending: Ending) -> str:
    """Erase, sign, store. The receipt that is stored already is the answer if there is one."""
    if ending.erasure_receipt_jws is not None:
        return ending.erasure_receipt_jws
    rows = runtime.store.erase(ending.instance_id, final=True)
    evidence = runtime.registry.evidence(ending.record_id)
    receipt = ErasureReceipt(
        schema_version=SCHEMA_VERSION,
        record_id=ending.record_id,
        instance_id=ending.instance_id,
        record_sha256=sha256_hex(evidence.record_jws),
        withdrawal_sha256=None if evidence.withdrawal_jws is None else sha256_hex(evidence.withdrawal_jws),
        rows=dict(rows),
        erased_at=runtime.now_ms(),
        proof_until=ending.proof_until_ms,
    )
    compact = sign(to_payload(receipt), runtime.operator_key, Typ.ERASURE_RECEIPT)
    try:
        runtime.registry.set_erasure_receipt(ending.record_id, compact)
    except Conflict:  # one was stored in the meantime, and what was signed first counts
        stored = runtime.registry.evidence(ending.record_id).erasure_receipt_jws
        if stored is None:
            raise
        return stored
    return compact
