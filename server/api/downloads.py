"""An answer that is written while it is sent: a file of rows, a copy of everything.

Rules:

* The first row is read before the answer begins, so that a store that is away is a problem, not half a file.
* As many are sent at once as there is room for, so that slow readers leave threads for batches and withdrawals; one
  more is told to try again. Strangers have a room of their own and take nobody else's place. A place is free when the
  last byte is out or the connection is gone.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import chain

from flask import Response

from server.api.state import state
from server.api.viewer import current_viewer
from server.row_formats import Row


def download(
    name: str, content_type: str, rows: Callable[[], Iterator[Row]], write: Callable[[Iterable[Row]], Iterator[bytes]]
) -> Response:
    """``write(rows())`` as a file called ``name`` (ASCII, no quotes). Raises ProblemError(SLOW_DOWN), StoreError."""
    response = stream(lambda: write(_begun(rows())), content_type, stranger=current_viewer().role == "public")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def stream(body: Callable[[], Iterator[bytes]], content_type: str, *, stranger: bool = False) -> Response:
    """``body()`` as it comes. Raises ProblemError(SLOW_DOWN) where there is no place, and what ``body`` raises."""
    room = state().public_downloads if stranger else state().downloads
    with ExitStack() as place:
        place.enter_context(room.enter())
        response = Response(body(), content_type=content_type)
        response.call_on_close(place.pop_all().close)
    return response


def _begun(rows: Iterator[Row]) -> Iterator[Row]:
    """``rows``, of which the first has been read."""
    for first in rows:
        return chain((first,), rows)
    return iter(())
