"""Consents: who agreed to what, the proof of it, and ending one from the operator's side."""

from typing import Annotated, Any

from msgspec import Meta

from consent.alias import alias_of
from consent.chain import verify_chain
from consent.document import to_payload
from consent.errors import ConsentError
from consent.signature import Typ, verify
from consent.state import State, effective
from server.administration.acts import Desk, Json, act
from server.errors import EvidenceUnreadable
from server.registry import ConsentSummary, Evidence
from server.store.protocol import InstanceSummary
from server.withdrawal import terminate

RecordId = Annotated[str, Meta(min_length=1, max_length=64)]

#: File name of each document, in the order in which they come about.
FILES = {
    "notice.jws": "notice_jws",
    "record.jws": "record_jws",
    "receipt.jws": "receipt_jws",
    "withdrawal.jws": "withdrawal_jws",
    "erasure-receipt.jws": "erasure_receipt_jws",
}


def effective_state(desk: Desk, consent: ConsentSummary) -> State:
    """The state that counts now: the stored one, or what the clock and the current notice make of it."""
    return effective(
        consent.state,
        valid_until_ms=consent.valid_until_ms,
        notice=consent.notice_version,
        current=desk.registry.current_version() or consent.notice_version,
        now_ms=desk.now_ms,
    )


@act("consents-list")
def list_all(desk: Desk) -> Json:
    """Every consent whose proof is still kept, newest first."""
    desk.note("consents.listed", "consents")
    return {"consents": [_summary(desk, consent) for consent in desk.registry.list_consents()]}


@act("consents-show")
def show(desk: Desk, *, record_id: RecordId) -> Json:
    """One consent: where it stands, and the verified content of its documents."""
    consent = desk.registry.consent(record_id)
    chain = verify_chain(desk.registry.evidence(record_id).documents)
    desk.note("consent.shown", record_id)
    return {
        **_summary(desk, consent),
        "record": to_payload(chain.record),
        "receipt": to_payload(chain.receipt),
        "withdrawal": None if chain.withdrawal is None else to_payload(chain.withdrawal),
        "erasure_receipt": None if chain.erasure_receipt is None else to_payload(chain.erasure_receipt),
    }


@act("consents-verify")
def verify_all(desk: Desk, *, record_id: RecordId | None = None) -> Json:
    """Check the stored proof of one consent or of all: signatures, links between documents, the state they imply.

    Of all, also the other way round: every machine with rows has a consent in force for each table it has rows in, or
    is an open server. ``ok`` is true when nothing was found.
    """
    consents = desk.registry.list_consents() if record_id is None else [desk.registry.consent(record_id)]
    results = [{"record_id": consent.record_id, "problem": _problem(desk, consent)} for consent in consents]
    uncovered = _uncovered(desk) if record_id is None else []
    desk.note("consents.verified", record_id or "consents")
    failed = any(result["problem"] is not None for result in results)
    return {"ok": not failed and not uncovered, "consents": results, "uncovered": uncovered}


@act("consents-export")
def export(desk: Desk, *, record_id: RecordId) -> Json:
    """The documents of one consent, byte for byte as they were signed, by file name."""
    evidence = desk.registry.evidence(record_id)
    desk.note("consent.exported", record_id)
    files = {name: getattr(evidence, field) for name, field in FILES.items()}
    return {"record_id": record_id, "files": {name: text for name, text in files.items() if text is not None}}


@act("consents-terminate")
def end(desk: Desk, *, record_id: RecordId) -> Json:
    """End a consent from the operator's side: its batches are refused, its rows erased, a receipt is signed."""
    receipt_jws = terminate(desk.runtime, record_id, desk.actor)
    payload: dict[str, Any] = verify(receipt_jws, Typ.ERASURE_RECEIPT, desk.runtime.thumbprint).payload
    rows = payload["rows"]
    return {"record_id": record_id, "state": State.TERMINATED.value, "rows": rows, "erasure_receipt": receipt_jws}


def _summary(desk: Desk, consent: ConsentSummary) -> Json:
    return {
        "record_id": consent.record_id,
        "state": effective_state(desk, consent).value,
        "instance": consent.instance_id,
        "alias": None if consent.instance_id is None else alias_of(consent.instance_id),
        "granted": dict(consent.granted),
        "notice": {"version": str(consent.notice_version), "locale": consent.locale},
        "received": consent.received_ms,
        "valid_until": consent.valid_until_ms,
        "ended": consent.ended_ms,
        "proof_until": consent.proof_until_ms,
        "erasure_confirmed": consent.erasure_confirmed,
    }


def _problem(desk: Desk, consent: ConsentSummary) -> str | None:
    """The first thing that is wrong with a stored proof, or None."""
    try:
        evidence = desk.registry.evidence(consent.record_id)
        chain = verify_chain(evidence.documents)
    except (ConsentError, EvidenceUnreadable) as error:
        return str(error)
    if chain.record.record_id != consent.record_id:
        return "the stored record is another one than the registry names"
    if chain.record.granted != dict(consent.granted):
        return "the registry grants other tables or periods than the signed record"
    if chain.record.event.valid_until != consent.valid_until_ms:
        return "the registry lets it run for another time than the signed record"
    return _state_problem(consent, evidence)


def _state_problem(consent: ConsentSummary, evidence: Evidence) -> str | None:
    withdrawn, erased = evidence.withdrawal_jws is not None, evidence.erasure_receipt_jws is not None
    if withdrawn != (consent.state is State.WITHDRAWN):
        return (
            f"its state is {consent.state.value}, but " + ("it has a" if withdrawn else "there is no") + " withdrawal"
        )
    if consent.state in (State.WITHDRAWN, State.TERMINATED) and not erased:
        return "it has ended, and the erasure of its rows is not confirmed; restart the server to finish it"
    return None


def _uncovered(desk: Desk) -> list[Json]:
    """Machines with rows that no consent in force covers, and open servers are not."""
    sources = desk.registry.sources()
    found: list[Json] = []
    for summary in desk.store.latest():
        if summary.instance in sources:
            continue
        status = desk.registry.consent_of(summary.instance)
        if status is None or status.state in (State.WITHDRAWN, State.TERMINATED):
            found.append({"alias": alias_of(summary.instance), "problem": "has rows and no consent"})
            continue
        extra = sorted(_tables(summary) - set(status.granted))
        if extra:
            problem = f"has rows in {', '.join(extra)}, which was not granted"
            found.append({"alias": alias_of(summary.instance), "problem": problem})
    return found


def _tables(summary: InstanceSummary) -> set[str]:
    """The tables that a machine has rows in, as far as its newest values tell."""
    present = {
        "cpu": summary.cores is not None,
        "memory": summary.memory_total_bytes is not None,
        "disk": summary.disk_read_bytes_per_second is not None,
    }
    return {table for table, there in present.items() if there}
