"""A server over loopback that takes batches, checks each signature with the library and answers as it is told.

It plays the ingest server to the agent's real client: real sockets, real HTTP/1.1, real signatures.
"""

import base64
import datetime
import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import HTTPMessageVerifier, MappingKeyResolver, algorithms

from agent.clock import clock_ms
from consent.wire import BATCH_TAG, COVERED, PAUSE_TAG, PAUSES_PATH, STATUS, Problem

BODY = tuple[int, dict[str, str], bytes]


@dataclass
class Received:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    raw: bytes
    connection: int
    nonce: str
    created: int

    @property
    def document(self) -> dict[str, Any]:
        body = gzip.decompress(self.raw) if self.headers.get("content-encoding") == "gzip" else self.raw
        value = json.loads(body)
        assert isinstance(value, dict)
        return value


@dataclass
class Ingest:
    """``answer`` decides; the default stores everything. ``requests`` are those whose signature held."""

    url: str
    keys: dict[str, Ed25519PublicKey] = field(default_factory=dict)
    requests: list[Received] = field(default_factory=list)
    answer: Callable[[Received], BODY] | None = None
    #: Answers, in order, to requests that carry no signature: a withdrawal is signed in its body.
    unsigned: list[BODY] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    #: What was told about pauses; ``pause_troubles`` are answered first, in order.
    pauses: list[dict[str, Any]] = field(default_factory=list)
    pause_troubles: list[Problem] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count: int, seconds: float = 15.0) -> list[Received]:
        """The requests, once there are so many."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.requests) >= count, seconds), f"{len(self.requests)} came"
            return list(self.requests)

    @property
    def sequences(self) -> list[int]:
        return [request.document["sequence"] for request in self.requests]


def ack(received: Received, status: str = "stored", server_ms: int | None = None) -> BODY:
    """What our server says to a stored batch."""
    document = received.document
    tables = {name: len(value["time"]) for name, value in document.items() if isinstance(value, dict)}
    answer = {
        "format": 1,
        "instance": document["instance"],
        "sequence": document["sequence"],
        "status": status,
        "rows": tables,
        "time": server_ms if server_ms is not None else clock_ms(),
    }
    code = 201 if status == "stored" else 200
    return code, {"Content-Type": "application/json"}, json.dumps(answer).encode()


def problem(kind: Problem, headers: dict[str, str] | None = None, **extra: Any) -> BODY:
    """A problem document of our server."""
    document = {"type": kind.value, "title": kind.value, "status": STATUS[kind], "detail": f"because {kind.value}"}
    return (
        STATUS[kind],
        {"Content-Type": "application/problem+json", **(headers or {})},
        json.dumps({**document, **extra}).encode(),
    )


@dataclass
class _Message:
    """What the verifier looks at."""

    method: str
    url: str
    headers: dict[str, str]


@contextmanager
def ingest_server(port: int = 0) -> Iterator[Ingest]:
    """Run one until the block ends."""
    server = _Server(("127.0.0.1", port), _Handler)
    ingest = Ingest(f"http://127.0.0.1:{server.server_address[1]}")
    server.ingest = ingest
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield ingest
    finally:
        server.shutdown()
        server.close_connections()
        server.server_close()
        thread.join()


def _pause(ingest: Ingest, report: dict[str, Any]) -> BODY:
    if ingest.pause_troubles:
        return problem(ingest.pause_troubles.pop(0))
    ingest.pauses.append(report)
    return 200, {"Content-Type": "application/json"}, b'{"format":1}'


class _Server(ThreadingHTTPServer):
    ingest: Ingest
    daemon_threads = True
    block_on_close = False

    def __init__(self, *arguments: Any) -> None:
        self.open: set[Any] = set()
        super().__init__(*arguments)

    def get_request(self) -> Any:
        connection, address = super().get_request()
        self.open.add(connection)
        return connection, address

    def close_connections(self) -> None:
        import socket  # pylint: disable=import-outside-toplevel  # only here

        for connection in self.open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:  # pylint: disable=invalid-name  # the library's name
        ingest = self.server.ingest
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if "signature" not in headers and ingest.unsigned:
            self._reply(ingest.unsigned.pop(0))
            return
        message = _Message("POST", f"http://{headers['host']}{self.path}", headers)
        verifier = HTTPMessageVerifier(
            signature_algorithm=algorithms.ED25519,
            key_resolver=MappingKeyResolver(public_keys=ingest.keys, private_keys={}),
        )
        verifier.max_clock_skew = datetime.timedelta(days=40_000)  # the tests choose the clock
        try:
            tag = PAUSE_TAG if self.path == PAUSES_PATH else BATCH_TAG
            results = verifier.verify(message, expect_tag=tag, require_components=COVERED, body=raw, max_age=None)
        except Exception as error:  # pylint: disable=broad-exception-caught  # whatever it is, the test must see it
            ingest.refused.append(repr(error))
            self._reply(problem(Problem.SIGNATURE_INVALID))
            return
        if self.path == PAUSES_PATH:
            self._reply(_pause(ingest, json.loads(raw)))
            return
        parameters = results[0].parameters
        nonce, created = parameters["nonce"], parameters["created"]
        assert isinstance(nonce, str) and isinstance(created, int) and parameters["expires"] == created + 300
        assert len(base64.urlsafe_b64decode(nonce + "==")) == 16
        received = Received(self.path, headers, raw, id(self.connection), nonce, created)
        reply = ingest.answer(received) if ingest.answer is not None else ack(received)
        with ingest.arrived:  # before the reply, so that whoever has the answer finds the request here
            ingest.requests.append(received)
            ingest.arrived.notify_all()
        self._reply(reply)

    def _reply(self, reply: BODY) -> None:
        status, headers, body = reply
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        with suppress(ConnectionError):  # an agent that was killed or did not want to wait
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:  # pylint: disable=arguments-differ  # silent
        pass
