"""Everything that was sent today, kept where the volunteer can read it: the very bytes, and what the server said.

Rules:

* One JSON line per request that got an answer or timed out after it was written: time, sequence, answer, bytes, and the
  body (gzip in base64, the bytes that travelled). ``sysmetric data sent`` shows them.
* In the runtime directory, so in memory on Linux, 0600. Fixed in size: two files of ``SEGMENT_BYTES`` at most, the
  older one dropped when the newer is full. A new day (UTC) starts empty.
"""

import base64
import gzip
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.clock import DAY_MS
from agent.errors import AgentError
from agent.private_files import open_private, remove
from agent.spool import Packed

SEGMENT_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sent:
    """One request: when (ms), the batch's number, the answer in a word, bytes on the wire, the JSON that was sent."""

    time: int
    sequence: int
    answer: str
    size: int
    body: bytes


class SentLog:
    """The writer's side; one thread adds. Where it cannot be written the sending goes on; ``trouble`` says why."""

    def __init__(self, path: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._path = path
        self._segment_bytes = segment_bytes
        self._day = _day_of_first_line(path)
        self._ended = False
        self.trouble: str | None = None

    def add(self, packed: Packed, answer: str, now_ms: int) -> None:
        """Append one request."""
        if self._ended:
            return
        body = base64.b64encode(packed.body).decode("ascii")
        entry = {"time": now_ms, "sequence": packed.sequence, "answer": answer, "bytes": len(packed.body), "body": body}
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        try:
            if self._day is not None and self._day != now_ms // DAY_MS:
                purge_sent(self._path)
            self._day = now_ms // DAY_MS
            self._append(line)
        except AgentError as error:
            self.trouble = str(error)
        except OSError as error:
            self.trouble = f"{self._path} cannot be written: {error.strerror}"
        else:
            self.trouble = None

    def end(self) -> None:
        """Remove the log and keep it removed: the consent is over. Raises AgentError."""
        self._ended = True
        purge_sent(self._path)

    def _append(self, line: bytes) -> None:
        descriptor = open_private(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            size = os.fstat(descriptor).st_size
            if not size or size + len(line) <= self._segment_bytes:
                os.write(descriptor, line)
                return
        finally:
            os.close(descriptor)
        os.replace(self._path, _older(self._path))
        self._append(line)


def purge_sent(path: Path) -> None:
    """Remove the log at ``path``. Raises AgentError."""
    remove(path)
    remove(_older(path))


def read_sent(path: Path) -> Iterator[Sent]:
    """What was sent, oldest first; a line that was cut off is left out. Raises AgentError."""
    for segment in (_older(path), path):
        try:
            descriptor = open_private(segment, os.O_RDONLY)
        except FileNotFoundError:
            continue
        with os.fdopen(descriptor, "rb") as file:
            for line in file:
                sent = _parse(line)
                if sent is not None:
                    yield sent


def _parse(line: bytes) -> Sent | None:
    try:
        entry: dict[str, Any] = json.loads(line)
        body = gzip.decompress(base64.b64decode(entry["body"]))
        return Sent(entry["time"], entry["sequence"], entry["answer"], entry["bytes"], body)
    except (ValueError, KeyError, TypeError, EOFError, OSError, zlib.error):
        return None


def _older(path: Path) -> Path:
    return path.with_name(f"{path.stem}.older{path.suffix}")


def _day_of_first_line(path: Path) -> int | None:
    for sent in read_sent(path):
        return sent.time // DAY_MS
    return None
