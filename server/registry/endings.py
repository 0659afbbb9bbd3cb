"""How consents end: withdrawn, terminated, and what proves that the rows are gone.

Rules:

* Every change of state is a step of ``consent.state``; a step it refuses is a Conflict.
* A consent that ends sets the time its proof ends: the signed record says how many days after. Ending again in the
  same way changes nothing and answers what is stored.
* The withdrawal is stored before anything is erased. A server that stops in between finds the rest of its work in
  ``pending_erasures``.
"""

from sqlalchemy import Connection, Row, select, update

from consent.errors import TransitionRefused
from consent.state import Act, State, after
from server.clock import DAY_MS
from server.errors import Conflict
from server.evidence import Kind
from server.registry.audit import append
from server.registry.consents import find_consent
from server.registry.database import Database
from server.registry.documents import Documents
from server.registry.pauses import drop_pauses
from server.registry.schema import consents, evidence
from server.registry.values import Ending


class Endings(Database):
    """The ends of one registry's consents."""

    def withdraw(self, record_id: str, withdrawal_jws: str, now_ms: int) -> Ending:
        """The volunteer withdraws: final, and possible in every state. Again, it answers what is stored.

        An erasure receipt of an earlier termination is dropped: the one to come answers this withdrawal.
        Raises NotFound.
        """
        with self.writing() as connection:
            found = find_consent(connection, record_id)
            documents = Documents(connection, self.vault, record_id)
            repeated = found.state == State.WITHDRAWN
            proof_until_ms = _end(connection, found, Act.WITHDRAW, now_ms)
            if not repeated:
                documents.drop(Kind.ERASURE_RECEIPT)
                documents.put(Kind.WITHDRAWAL, withdrawal_jws.encode())
                append(connection, "volunteer", "consent.withdrawn", record_id, now_ms)
            return _ending(documents, State.WITHDRAWN, proof_until_ms, repeated)

    def terminate(self, record_id: str, now_ms: int, *, actor: str = "operator") -> Ending:
        """The operator ends a consent; doing it again answers what is stored.

        Raises NotFound; Conflict where the volunteer has withdrawn.
        """
        with self.writing() as connection:
            found = find_consent(connection, record_id)
            documents = Documents(connection, self.vault, record_id)
            repeated = found.state == State.TERMINATED
            if repeated:
                return _ending(documents, State.TERMINATED, found.proof_until_ms, repeated)
            proof_until_ms = _end(connection, found, Act.TERMINATE, now_ms)
            append(connection, actor, "consent.terminated", record_id, now_ms)
            return _ending(documents, State.TERMINATED, proof_until_ms, repeated)

    def set_erasure_receipt(self, record_id: str, erasure_receipt_jws: str) -> None:
        """Keep the proof that the rows are gone; the same bytes again change nothing.

        Raises NotFound; Conflict for other bytes, and while the consent is given.
        """
        with self.writing() as connection:
            found = find_consent(connection, record_id)
            documents = Documents(connection, self.vault, record_id)
            stored = documents.find_text(Kind.ERASURE_RECEIPT)
            if stored not in (None, erasure_receipt_jws):
                raise Conflict(f"another erasure receipt is stored for consent {record_id}")
            if found.state == State.GIVEN:
                raise Conflict(f"consent {record_id} has not ended, so nothing was erased for good")
            if stored is None:
                documents.put(Kind.ERASURE_RECEIPT, erasure_receipt_jws.encode())

    def pending_erasures(self) -> list[Ending]:
        """Consents that were withdrawn or terminated and have no erasure receipt: an erasure to finish at start."""
        ended = consents.c.state.in_([State.WITHDRAWN.value, State.TERMINATED.value])
        confirmed = select(evidence.c.record_id).where(evidence.c.kind == Kind.ERASURE_RECEIPT.value)
        query = select(consents).where(ended, consents.c.record_id.not_in(confirmed)).order_by(consents.c.ended_ms)
        with self.reading() as connection:
            return [
                _ending(Documents(connection, self.vault, row.record_id), State(row.state), row.proof_until_ms, True)
                for row in connection.execute(query).all()
            ]


def _end(connection: Connection, found: Row[*tuple[object, ...]], act: Act, now_ms: int) -> int:
    """Take the step and set the time its proof ends; a step that changes nothing leaves the times alone."""
    try:
        state = after(State(found.state), act)
    except TransitionRefused as error:
        raise Conflict(str(error)) from error
    if state.value == found.state:
        return int(found.proof_until_ms)
    proof_until_ms = now_ms + int(found.proof_days) * DAY_MS
    drop_pauses(connection, found.lookup)
    connection.execute(
        update(consents)
        .where(consents.c.record_id == found.record_id, consents.c.state == found.state)
        .values(state=state.value, ended_ms=now_ms, proof_until_ms=proof_until_ms)
    )
    return proof_until_ms


def _ending(documents: Documents, state: State, proof_until_ms: int, repeated: bool) -> Ending:
    return Ending(
        record_id=documents.record_id,
        instance_id=documents.get(Kind.INSTANCE_ID).decode(),
        state=state,
        proof_until_ms=proof_until_ms,
        erasure_receipt_jws=documents.find_text(Kind.ERASURE_RECEIPT),
        repeated=repeated,
    )
