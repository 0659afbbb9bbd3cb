"""The volunteer's copy: what arrives is handed on, and a copy that is not complete is an error."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from agent.errors import Refused, ServerUnreachable
from agent.export import export_rows
from tests.consents import NOW_MS

ROWS = [{"table": "memory", "time": NOW_MS + second, "used_bytes": 1} for second in range(3)]


class Operator(ThreadingHTTPServer):
    """Answers every POST with ``status`` and ``answer``."""

    status = 200
    answer = b""
    kind = "application/x-ndjson"


class _Handler(BaseHTTPRequestHandler):
    server: Operator

    def do_POST(self) -> None:  # pylint: disable=invalid-name  # the name that http.server calls
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.server.status)
        self.send_header("Content-Type", self.server.kind)
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, format: str, *args: Any) -> None:  # pylint: disable=redefined-builtin  # http.server's name
        pass


@pytest.fixture
def operator() -> Iterator[Operator]:
    with Operator(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _ask(operator: Operator, signed_consent: Callable[..., Any]) -> list[dict[str, Any]]:
    consent = signed_consent(origin=f"http://127.0.0.1:{operator.server_port}")
    return list(export_rows(consent.active, lambda: NOW_MS))


def _lines(*documents: Any) -> bytes:
    return b"".join(json.dumps(document).encode() + b"\n" for document in documents)


def test_every_row_is_handed_on(operator: Operator, signed_consent: Callable[..., Any]) -> None:
    operator.answer = _lines(*ROWS, {"end": {"cpu": 0, "memory": 3, "disk": 0}})
    assert _ask(operator, signed_consent) == ROWS


@pytest.mark.parametrize(
    "answer",
    [
        _lines(*ROWS),
        _lines(*ROWS[:2], {"end": {"memory": 3}}),
        _lines(*ROWS) + b'{"tab',
        _lines(*ROWS, [1]),
        b"x" * 100_000,
        b"",
    ],
    ids=["no end", "a row short", "cut in a line", "no object", "endless line", "empty"],
)
def test_a_copy_that_is_not_complete_is_an_error(
    operator: Operator, signed_consent: Callable[..., Any], answer: bytes
) -> None:
    operator.answer = answer
    with pytest.raises(ServerUnreachable):
        _ask(operator, signed_consent)


def test_a_refusal_is_told(operator: Operator, signed_consent: Callable[..., Any]) -> None:
    operator.status, operator.kind = 410, "application/problem+json"
    operator.answer = json.dumps({"type": "consent-withdrawn", "detail": "gone"}).encode()
    with pytest.raises(Refused) as caught:
        _ask(operator, signed_consent)
    assert caught.value.problem == "consent-withdrawn"
