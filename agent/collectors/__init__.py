"""What is read from the machine: one file per table, one ``collect`` each.

Rules:

* A collector takes the ``ActiveConsent`` and refuses a table that it does not grant. psutil reads ``/proc/stat`` when
  it is imported, so it is imported in the constructor, after that check, and nowhere else.
* ``collect`` gives rows in the catalogue's wire order without the time: ``[(part, value, ...), ...]``, without a part
  for memory. A value that this system does not have is None. It may give no rows: the first reading of a counter says
  nothing, and a counter that went back was reset and says nothing either.
* ``reset`` forgets the last reading, so that what happened during a pause is in no later row.
* Ratios are rounded to 4 decimals and rates to 1 or 2: finer digits are noise that would be paid for on the wire.
"""

from collections.abc import Callable

from agent.collectors.cpu import CpuCollector
from agent.collectors.disk import DiskCollector
from agent.collectors.memory import MemoryCollector
from agent.collectors.protocol import Collector
from consent.chain import ActiveConsent


def make_collectors(consent: ActiveConsent, monotonic: Callable[[], float]) -> dict[str, Collector]:
    """A collector for each granted table, and none for the others."""
    makers: dict[str, Callable[[], Collector]] = {
        "cpu": lambda: CpuCollector(consent),
        "memory": lambda: MemoryCollector(consent),
        "disk": lambda: DiskCollector(consent, monotonic),
    }
    return {table: make() for table, make in makers.items() if table in consent.granted}
