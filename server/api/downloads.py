"""An answer that is a file of rows, written while it is sent.

Rules:

* The first row is read before the answer begins, so that a store that is away is a problem, not half a file.
* As many files as ``State.downloads`` has room for are sent at once, so that slow readers leave threads for batches;
  one more is told to try again. Its place is free when the last byte is out or the connection is gone.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import chain

from flask import Response

from server.api.state import state
from server.row_formats import Row


def download(
    name: str, content_type: str, rows: Callable[[], Iterator[Row]], write: Callable[[Iterable[Row]], Iterator[bytes]]
) -> Response:
    """``write(rows())`` as a file called ``name`` (ASCII, no quotes). Raises ProblemError(SLOW_DOWN), StoreError."""
    with ExitStack() as place:
        place.enter_context(state().downloads.enter())
        response = Response(write(_begun(rows())), content_type=content_type)
        response.call_on_close(place.pop_all().close)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _begun(rows: Iterator[Row]) -> Iterator[Row]:
    """``rows``, of which the first has been read."""
    for first in rows:
        return chain((first,), rows)
    return iter(())
