"""Log files of open servers to rows of the catalogue: one module per format, each with ``read(stream, name)``.

Rules:

* ``read`` looks at the whole file before it yields: a file is imported from its first row or refused as a whole,
  with one ImportFailed that names the file and the entry in it.
* Gzip is seen by its first bytes, never by the name of the file.
"""

from server.imports.prometheus import read  # the one format so far; a second one is told apart here
from server.imports.shift import shift
from server.imports.values import Imported

__all__ = ["Imported", "read", "shift"]
