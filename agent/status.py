"""What the running agent says about itself, for ``sysmetric status`` and ``sysmetric watch``.

Rules:

* ``status.json`` is replaced whole after each batch and at each change of state, in the runtime directory, 0600.
* It is a report, not a lock: whether an agent runs is told by ``agent.lock``. Where it cannot be written the agent goes
  on; ``trouble`` says why.
"""

import dataclasses
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.errors import AgentError
from agent.private_files import read_private, replace_private


@dataclass(frozen=True, slots=True)
class Status:  # pylint: disable=too-many-instance-attributes  # one flat report, as it is printed
    """Times in ms since the epoch. ``state`` is running, paused or stopped. ``samples_taken`` counts beats; ``spool_``
    is what waits for the server, in memory and on disk.
    """

    pid: int
    state: str
    instance: str
    record: str
    server: str
    started_ms: int
    updated_ms: int
    periods: Mapping[str, float]
    samples_taken: int = 0
    batches_sent: int = 0
    rows_sent: Mapping[str, int] = field(default_factory=dict)
    bytes_sent: int = 0
    last_ack_ms: int | None = None
    last_latency_ms: float | None = None
    spool_batches: int = 0
    spool_bytes: int = 0
    batches_dropped: int = 0
    skew_ms: int | None = None
    next_try_ms: int | None = None
    paused_until_ms: int | None = None
    problem: str | None = None
    problem_detail: str | None = None
    problem_ms: int | None = None
    troubles: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The JSON form."""
        return {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}


class StatusBoard:
    """The writer's side; both threads change it."""

    def __init__(self, path: Path, status: Status, now_ms: Callable[[], int]) -> None:
        self._path = path
        self._now_ms = now_ms
        self._lock = threading.Lock()
        self.status = status
        self.trouble: str | None = None

    def note(self, **changes: Any) -> None:
        """Remember a change for the next time the file is written."""
        with self._lock:
            self.status = dataclasses.replace(self.status, **changes)

    def change(self, **changes: Any) -> None:
        """Put the changed status in the file."""
        with self._lock:
            self.status = dataclasses.replace(self.status, **changes, updated_ms=self._now_ms())
            content = json.dumps(self.status.document(), separators=(",", ":")).encode()
            try:
                replace_private(self._path, content, durable=False)
            except AgentError as error:
                self.trouble = str(error)
            else:
                self.trouble = None


def read_status(path: Path) -> Status | None:
    """The last report, or None where there is none that can be understood. Raises AgentError."""
    content = read_private(path)
    if content is None:
        return None
    try:
        document = json.loads(content)
        known = {each.name for each in dataclasses.fields(Status)}
        return Status(**{name: value for name, value in document.items() if name in known})
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
