"""When volunteers' machines were paused, so that a gap can say why it is one.

Rules:

* Found by the digest of the instance (``Vault.lookup``), as consents are: no instance id in clear.
* The newest report of a machine wins: it joins with every pause that it touches, and replaces what was known later.
* At most ``PER_INSTANCE`` pauses of one machine are kept; the oldest goes first.
* A pause lives as long as the samples around it: midnight deletes what ended before the floor and moves the beginning
  of what lasts to the floor; erasing, withdrawing and terminating delete all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from server.evidence import Vault
from server.registry.database import Database
from server.registry.schema import pauses

PER_INSTANCE = 100
#: The last sample may bear a time a little after the moment at which the pause was seen.
_SLACK_MS = 1000


@dataclass(frozen=True, slots=True)
class PauseSpan:
    """``from_ms <= time < until_ms``; None for a pause whose end is not known yet."""

    from_ms: int
    until_ms: int | None


class Paused:
    """The machines that are paused at one moment; ``instance in paused`` answers by digest."""

    def __init__(self, vault: Vault, since: Mapping[bytes, int]) -> None:
        self._vault = vault
        self._since = since

    def __contains__(self, instance_id: object) -> bool:
        return isinstance(instance_id, str) and self.since(instance_id) is not None

    def __len__(self) -> int:
        return len(self._since)

    def since(self, instance_id: str) -> int | None:
        """When the pause of this machine began (ms), or None if it is not paused."""
        return self._since.get(self._vault.lookup(instance_id)) if self._since else None

    def rests(self, instance_id: str, last_sample_ms: int) -> bool:
        """Paused, and silent since: a machine that samples again ended its pause, whatever was reported."""
        since = self.since(instance_id)
        return since is not None and last_sample_ms <= since + _SLACK_MS


class Pauses(Database):
    """The pauses of one registry."""

    def note_pause(self, instance_id: str, from_ms: int, until_ms: int | None) -> None:
        """A machine reports a pause that began at ``from_ms`` and ends at ``until_ms`` (None: nobody knows yet)."""
        lookup = self.vault.lookup(instance_id)
        mine = pauses.c.lookup == lookup
        with self.writing() as connection:
            touched = mine & (pauses.c.until_ms.is_(None) | (pauses.c.until_ms >= from_ms))
            begins = connection.execute(select(pauses.c.from_ms).where(touched)).scalars().all()
            connection.execute(delete(pauses).where(touched))
            first = min([from_ms, *begins])
            connection.execute(insert(pauses).values(lookup=lookup, from_ms=first, until_ms=until_ms))
            newest = select(pauses.c.from_ms).where(mine).order_by(pauses.c.from_ms.desc()).limit(PER_INSTANCE)
            connection.execute(delete(pauses).where(mine, pauses.c.from_ms.not_in(newest)))

    def pauses_of(self, instance_id: str, start_ms: int, end_ms: int) -> list[PauseSpan]:
        """The pauses of one machine that touch ``start_ms <= time < end_ms``, oldest first."""
        touching = (pauses.c.from_ms < end_ms) & (pauses.c.until_ms.is_(None) | (pauses.c.until_ms > start_ms))
        query = select(pauses.c.from_ms, pauses.c.until_ms).where(
            pauses.c.lookup == self.vault.lookup(instance_id), touching
        )
        with self.reading() as connection:
            return [PauseSpan(*row) for row in connection.execute(query.order_by(pauses.c.from_ms))]

    def paused_instances(self, now_ms: int) -> Paused:
        """Who is paused at ``now_ms``: ``instance in registry.paused_instances(now)``.

        The registry knows digests only, so the answer is no list of ids but a set that is asked per machine. For the
        state of an overview ask ``paused.rests(instance, last_sample_ms)``: a machine that was resumed while its agent
        did not run reports no end, and its samples do. Cheap when nobody is paused; ask once per overview.
        """
        lasting = self.remembered("lasting pauses", lambda: self._read_lasting(now_ms))
        since = {
            lookup: from_ms
            for lookup, from_ms, until_ms in lasting
            if from_ms <= now_ms and (until_ms is None or now_ms < until_ms)
        }
        return Paused(self.vault, since)

    def forget_pauses(self, instance_id: str) -> None:
        """Delete the pauses of one machine, whose rows were erased."""
        with self.writing() as connection:
            drop_pauses(connection, self.vault.lookup(instance_id))

    def expire_pauses(self, before_ms: int) -> int:
        """Delete the pauses that ended before ``before_ms`` and cut the others off there; how many are gone."""
        with self.writing() as connection:
            gone = connection.execute(delete(pauses).where(pauses.c.until_ms <= before_ms)).rowcount
            connection.execute(update(pauses).where(pauses.c.from_ms < before_ms).values(from_ms=before_ms))
        return int(gone)

    def _read_lasting(self, now_ms: int) -> tuple[tuple[bytes, int, int | None], ...]:
        query = select(pauses.c.lookup, pauses.c.from_ms, pauses.c.until_ms)
        with self.reading() as connection:
            rows = connection.execute(query.where(pauses.c.until_ms.is_(None) | (pauses.c.until_ms > now_ms)))
            return tuple((bytes(row.lookup), row.from_ms, row.until_ms) for row in rows)


def drop_pauses(connection: Connection, lookup: bytes) -> None:
    """Delete the pauses of the instance with this digest in the caller's transaction."""
    connection.execute(delete(pauses).where(pauses.c.lookup == lookup))
