"""In front of the application: bodies are received before any work begins, so that a slow sender holds up nobody.

Rules:

* A thread that waits for the network costs next to nothing, one that works costs memory and the processor. So the
  server has ``SENDERS`` threads more than ``threads``, and only ``threads`` requests are worked on at once.
* A body is received in pieces, and ``PIECES`` of them may be in memory. Each body that is waited for holds at least
  one, so slow senders can take all of them; then a POST is told to slow down at once, and pages are served as ever.
* Nothing is received that the application would refuse for its size: it answers that by the header alone.
"""

import threading
from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING, cast

from consent.wire import BATCHES_PATH, MAX_BATCH_BYTES, Problem
from server.admission import RETRY_AFTER_SECONDS, SENDERS
from server.api import admin, otlp
from server.api.problems import problem_response
from server.app import LARGEST_BODY
from server.errors import ProblemError

if TYPE_CHECKING:
    from _typeshed.wsgi import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

PIECE_BYTES = 64 * 1024
PIECES = 2 * SENDERS
#: Of the paths that take more than ``LARGEST_BODY``.
_LARGEST = {BATCHES_PATH: MAX_BATCH_BYTES, otlp.PATH: otlp.LARGEST_BODY} | {
    f"/api/v1/admin/{verb}": largest for verb, largest in admin.LARGEST_BODIES.items()
}


class Reception:  # pylint: disable=too-few-public-methods  # a WSGI application
    """The application, of which at most ``threads`` requests run at once, each with its body at hand."""

    def __init__(self, app: "WSGIApplication", threads: int, pieces: int = PIECES) -> None:
        self._app = app
        self._work = threading.BoundedSemaphore(threads)
        self._pieces = threading.BoundedSemaphore(pieces)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST":
            return self._run(environ, start_response)
        held: list[bytes] = []
        try:
            if not self._receive(environ, held):
                full = ProblemError(
                    Problem.SLOW_DOWN, "too many bodies at once; try again later", retry_after=RETRY_AFTER_SECONDS
                )
                return problem_response(full)(environ, start_response)
            return self._run(environ, start_response)
        finally:
            for _ in held:
                self._pieces.release()

    def _run(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        with self._work:
            return self._app(environ, start_response)

    def _receive(self, environ: "WSGIEnvironment", held: list[bytes]) -> bool:
        """Put the body where the application reads it; ``held`` has its pieces. False when there is no room."""
        largest = _LARGEST.get(environ["PATH_INFO"], LARGEST_BODY)
        declared = environ.get("CONTENT_LENGTH") or "0"
        if not declared.isdecimal() or int(declared) > largest:
            return True
        expected = int(declared) or largest + 1  # a chunked body does not say
        stream = cast("InputStream", environ["wsgi.input"])
        size = 0
        while size < expected:  # beyond the largest by a piece at most, and the application sees that it is too much
            if not self._pieces.acquire(blocking=False):  # pylint: disable=consider-using-with  # see __call__
                return False
            held.append(stream.read(PIECE_BYTES))
            if not held[-1]:
                break
            size += len(held[-1])
        environ["wsgi.input"] = BytesIO(b"".join(held))
        return True
