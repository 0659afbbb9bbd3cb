"""From the sampler's columns to the bytes that travel, each with a number that is never used again."""

import gzip
from collections.abc import Mapping

from agent.spool import Packed, Spool
from consent.chain import ActiveConsent
from consent.wire import Batch, Columns

#: The usual trade of size for time; higher levels gain two per cent and cost twice the time.
_LEVEL = 6


class Packer:
    """Packs the batches of one process. Reserves numbers when it is made. Raises SpoolError."""

    def __init__(self, consent: ActiveConsent, spool: Spool) -> None:
        self._consent = consent
        self._spool = spool
        self._numbers = spool.reserve()

    def pack(self, tables: Mapping[str, Columns]) -> Packed:
        """``tables`` as a numbered batch. Raises SpoolError when a new block of numbers cannot be reserved."""
        if not self._numbers:
            self._numbers = self._spool.reserve()
        number = self._numbers.start
        self._numbers = self._numbers[1:]
        batch = make_batch(self._consent, number, tables)
        newest = max(int(str(columns["time"][-1])) for columns in tables.values())
        # Without a time in the gzip header, the same batch is the same bytes whenever it is sent.
        return Packed(number, newest, gzip.compress(batch.to_json(), _LEVEL, mtime=0))

    def give_back(self) -> None:
        """At an orderly end, the numbers that were not used. Raises SpoolError."""
        self._spool.give_back(self._numbers)


def make_batch(consent: ActiveConsent, number: int, tables: Mapping[str, Columns]) -> Batch:
    """The batch as it is sent, for sending and for showing."""
    return Batch(consent.instance_id, consent.record_id, number, tables)
