"""Log files of open servers to rows of the catalogue: one module per format, each with ``read(stream, name)``.

Rules:

* ``read`` looks at the whole file before it yields: a file is imported from its first row or refused as a whole,
  with one ImportFailed that names the file and the entry in it.
* Gzip is seen by its first bytes, never by the name of the file.
"""

from collections.abc import Callable, Iterator
from typing import BinaryIO

from server.imports import prometheus
from server.imports.shift import shift, shift_to
from server.imports.values import Imported

__all__ = ["FORMATS", "Imported", "read", "shift", "shift_to"]

#: By the name that ``sysmetric-server import --format`` takes.
FORMATS: dict[str, Callable[[BinaryIO, str], Iterator[Imported]]] = {"prometheus": prometheus.read}


def read(stream: BinaryIO, name: str) -> Iterator[Imported]:
    """The rows of an open file; ``name`` is what messages call it. Raises ImportFailed before the first yield."""
    return prometheus.read(stream, name)  # the one format so far; a second one is told apart here
