"""The sealed documents of one consent inside one transaction."""

from sqlalchemy import Connection, delete, insert, select

from server.errors import EvidenceUnreadable
from server.evidence import Kind, Vault
from server.registry.schema import data_keys, evidence


class Documents:
    """Reads and writes the evidence of ``record_id``; its data key is fetched once, when it is first needed."""

    def __init__(self, connection: Connection, vault: Vault, record_id: str) -> None:
        self.record_id = record_id
        self._connection = connection
        self._vault = vault
        self._wrapped: bytes | None = None

    def create_key(self) -> None:
        """A data key of its own for a new consent."""
        self._wrapped = self._vault.new_data_key(self.record_id)
        self._connection.execute(insert(data_keys).values(record_id=self.record_id, wrapped=self._wrapped))

    def put(self, kind: Kind, content: bytes) -> None:
        """Seal and store one document; there is at most one of a kind."""
        sealed = self._vault.seal(self._key(), self.record_id, kind, content)
        self._connection.execute(insert(evidence).values(record_id=self.record_id, kind=kind.value, sealed=sealed))

    def get(self, kind: Kind) -> bytes:
        """One document. Raises EvidenceUnreadable if it is missing or does not open."""
        content = self.find(kind)
        if content is None:
            raise EvidenceUnreadable(f"the {kind} of consent {self.record_id} is missing")
        return content

    def find(self, kind: Kind) -> bytes | None:
        """One document, or None if it was not stored. Raises EvidenceUnreadable if it does not open."""
        mine = (evidence.c.record_id == self.record_id) & (evidence.c.kind == kind.value)
        sealed = self._connection.execute(select(evidence.c.sealed).where(mine)).scalar()
        return None if sealed is None else self._vault.open(self._key(), self.record_id, kind, sealed)

    def find_text(self, kind: Kind) -> str | None:
        """As ``find``, for a document that is a compact JWS."""
        content = self.find(kind)
        return None if content is None else content.decode()

    def drop(self, kind: Kind) -> None:
        """Delete one document if it is there."""
        mine = (evidence.c.record_id == self.record_id) & (evidence.c.kind == kind.value)
        self._connection.execute(delete(evidence).where(mine))

    def destroy(self) -> None:
        """Delete the data key, and with it everything it sealed."""
        self._connection.execute(delete(data_keys).where(data_keys.c.record_id == self.record_id))
        self._connection.execute(delete(evidence).where(evidence.c.record_id == self.record_id))

    def _key(self) -> bytes:
        if self._wrapped is None:
            mine = data_keys.c.record_id == self.record_id
            wrapped = self._connection.execute(select(data_keys.c.wrapped).where(mine)).scalar()
            if wrapped is None:
                raise EvidenceUnreadable(f"the evidence of consent {self.record_id} was destroyed")
            self._wrapped = bytes(wrapped)
        return self._wrapped
