"""Log files of open servers to rows of the catalogue: one module per format, each with ``FORMAT``.

Rules:

* A format is told by the content of a file, never by its name, and each file is matched by one format at most: where
  two match, the first in ``FORMATS`` reads it.
* A reader never ends at what it cannot use: that is a fault in the ``Report``, and the rest is imported.
* Nothing here loads SQLAlchemy, DuckDB or Flask: files are read in the process of the command line.
"""

from server.errors import ImportFailed
from server.imports import atop, collectd, exposition, iostat, own, prometheus, sadf_csv, sadf_json, vmstat
from server.imports.format import Content, Format, Report
from server.imports.shift import shift
from server.imports.values import Chunker, Imported

__all__ = ["FORMATS", "Chunker", "Content", "Format", "Imported", "Report", "by_name", "detect", "shift"]

#: Every format, the most particular first.
FORMATS: tuple[Format, ...] = (
    prometheus.FORMAT,
    collectd.FORMAT,
    own.NDJSON,
    own.CSV,
    sadf_json.FORMAT,
    sadf_csv.FORMAT,
    iostat.FORMAT,
    vmstat.FORMAT,
    atop.FORMAT,
    exposition.FORMAT,
)

#: What a file may be that is none of ``FORMATS``: how it begins, and what to say of it.
_ELSE = (
    ((b"<",), "this is a web page; save the answer of /api/v1/query_range instead of the page that shows it"),
    ((b"\xff\xfe", b"\xfe\xff"), "the text is UTF-16; save it again as UTF-8 (curl -o FILE does)"),
    ((b"\xd5\x96", b"\x96\xd5"), "this is a binary file of sysstat; import what sadf -j FILE prints instead"),
    ((b"\xef\xbe\xed\xfe", b"\xfe\xed\xbe\xef"), "this is a binary file of atop; import what atop -P prints instead"),
    ((b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ", b"PK"), "this is packed, and only gzip is unpacked; unpack it first"),
)


def detect(head: bytes, name: str = "") -> Format:
    """The format of a file by its first 64 KiB, unpacked. Raises ImportFailed that says what it looks like."""
    for known in FORMATS:
        if known.matches(head):
            return known
    if not head.strip():
        raise ImportFailed(name, "", "the file is empty")
    for beginnings, words in _ELSE:
        if head.lstrip().startswith(beginnings):
            raise ImportFailed(name, "", words)
    kind = "bytes that are no text" if b"\0" in head[:1024] else "text of no known kind"
    raise ImportFailed(name, "", f"{kind}; what can be imported: {'; '.join(each.words for each in FORMATS)}")


def by_name(name: str) -> Format:
    """The format called ``name``. Raises ImportFailed that names them all."""
    for known in FORMATS:
        if known.name == name:
            return known
    raise ImportFailed(name[:40], "", f"is no format; there are: {', '.join(each.name for each in FORMATS)}")
