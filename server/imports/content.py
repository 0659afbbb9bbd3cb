"""The JSON documents in a file, one after another, each bounded.

Rules:

* A file holds one JSON object or several one after another, with or without white space between them: what a loop of
  ``curl >> file`` leaves (Prometheus ends its answers without a newline).
* One document is at most ``MAX_BYTES`` long, after gzip; of documents that are read already nothing is kept.
* A document of a file that grows is there as soon as it is whole, not only when the next one begins.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from server.errors import ImportFailed

#: The longest document, unpacked: about four million samples, or a day of sixteen 4-core machines at 15 s.
MAX_BYTES = 128 * 1024 * 1024
_BLOCK = 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: A string, skipped as a whole; one without an end so far; the seam between two documents, or what may become one:
#: within a document, objects have a comma between them.
_SEAM = re.compile(rb'"(?:[^"\\]++|\\.)*+"|"|\}\s*+(?:(?=\{)|\Z)', re.DOTALL)


def documents(stream: BinaryIO, name: str, maximum: int = MAX_BYTES) -> Iterator[bytes]:
    """The documents of a file; not yet checked to be JSON. Raises ImportFailed for one that is too long."""
    held, scanned = bytearray(), 0
    first = True
    while block := stream.read(_BLOCK):
        held += block.removeprefix(_BYTE_ORDER_MARK) if first else block
        first = False
        start, scanned, ends = _seams(held, scanned)
        previous = 0
        for end in ends:
            yield bytes(held[previous:end])
            previous = end
        del held[:start]
        scanned -= start
        if len(held) > maximum:
            raise ImportFailed(
                name,
                "",
                f"one JSON document is longer than {maximum // 1024 // 1024} MiB; export a shorter time range per file",
            )
        if len(block) < _BLOCK and _is_whole(held):
            yield bytes(held)
            held, scanned = bytearray(), 0
    if held.strip():
        yield bytes(held)


def _seams(held: bytearray, scanned: int) -> tuple[int, int, list[int]]:
    """(where the last document begins, how far it needs no second look, where documents end)."""
    ends: list[int] = []
    view = bytes(memoryview(held)[scanned:])
    safe = len(held)
    for found in _SEAM.finditer(view):
        if found[0] == b'"' or (found[0].startswith(b"}") and found.end() == len(view)):
            safe = scanned + found.start()
            break
        if found[0].startswith(b"}"):
            ends.append(scanned + found.end())
    return (ends[-1] if ends else 0), safe, ends


def _is_whole(held: bytearray) -> bool:
    """Whether what there is of a file that may grow is a whole document."""
    if not held.rstrip().endswith(b"}"):
        return False
    try:
        msgspec.json.decode(held, type=msgspec.Raw)
    except (ValueError, RecursionError):
        return False
    return True


def check_looks_like_json(content: bytes, name: str) -> None:
    """Raises ImportFailed with what the file is instead, where that can be told."""
    if content.startswith(b"{"):
        return
    if not content:
        what = "the file is empty"
    elif content.startswith(b"<"):
        what = "this is a web page, not JSON; save the answer of /api/v1/query_range instead of the page that shows it"
    elif content.startswith((b"# HELP", b"# TYPE", b"node_")):
        what = "this is an exporter's own text, not an answer of /api/v1/query_range; import it with --format auto"
    elif content.startswith((b"\xff\xfe", b"\xfe\xff")):
        what = "the text is UTF-16; save it again as UTF-8 (curl -o FILE does)"
    else:
        what = "this is not an answer of Prometheus's HTTP API: expected a JSON object"
    raise ImportFailed(name, "", what)
