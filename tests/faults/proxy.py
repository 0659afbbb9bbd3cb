"""A proxy on loopback between an agent and its server that does to the bytes what bad networks do."""

import socket
import struct
import threading
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Protocol

from tests.processes import free_port

#: Closing with this sends RST: what was in flight is lost, as when a router forgets the connection.
_RESET = struct.pack("ii", 1, 0)
_PATIENCE = 30.0


class Fault(Protocol):  # pylint: disable=too-few-public-methods  # a function
    """What is done to a connection on which a whole request has arrived."""

    def __call__(self, proxy: "Proxy", client: socket.socket, request: bytes, /) -> None:
        """Return when the connection may be closed."""


@dataclass
class Proxy:
    """Listens until ``close``; what it does to a connection is ``fault``, which may be changed at any time.

    ``happened`` counts connections that a fault was done to; ``requests`` those that reached the server whole.
    """

    target: int
    port: int = field(default_factory=free_port)
    fault: Fault | None = None
    happened: int = 0
    requests: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._open = True
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """No new connections."""
        self._open = False
        self._listener.close()

    def _accept(self) -> None:
        while self._open:
            with suppress(OSError):
                client, _ = self._listener.accept()
                client.settimeout(_PATIENCE)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with closing(client), suppress(OSError):
            while self._open:
                fault = self.fault
                request = read_message(client)
                if not request:
                    return
                if fault is None:
                    client.sendall(self.forward(request))
                else:
                    self.happened += 1
                    fault(self, client, request)
                    return

    def forward(self, request: bytes) -> bytes:
        """The server's answer to a whole request."""
        with closing(socket.create_connection(("127.0.0.1", self.target), timeout=_PATIENCE)) as server:
            server.sendall(request)
            answer = read_message(server)
        self.requests += 1
        return answer


def read_message(source: socket.socket) -> bytes:
    """One HTTP/1.1 message with Content-Length, or what came of it before the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = source.recv(65536)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        piece = source.recv(65536)
        if not piece:
            break
        body += piece
    return head + b"\r\n\r\n" + body


def reset(connection: socket.socket) -> None:
    """End a connection with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    connection.close()


def reset_in_the_middle(proxy: Proxy, client: socket.socket, request: bytes) -> None:
    """Half of the request reaches the server, then both sides see a reset."""
    with closing(socket.create_connection(("127.0.0.1", proxy.target), timeout=_PATIENCE)) as server:
        server.sendall(request[: len(request) // 2])
        reset(server)
    reset(client)


def half_open(_proxy: Proxy, client: socket.socket, _request: bytes) -> None:
    """The request is swallowed and nothing ever comes back."""
    client.recv(1)  # until the agent has had enough


def one_byte_a_second(proxy: Proxy, client: socket.socket, request: bytes) -> None:
    """The answer comes so slowly that it never comes."""
    answer = proxy.forward(request)
    gone = threading.Event()
    for byte in answer:
        client.sendall(bytes([byte]))
        gone.wait(1.0)


def delivered_twice(proxy: Proxy, client: socket.socket, request: bytes) -> None:
    """The same bytes reach the server a second time, as a captured and replayed request would."""
    client.sendall(proxy.forward(request))
    proxy.forward(request)


def answer_lost(proxy: Proxy, client: socket.socket, request: bytes) -> None:
    """The server has stored it; the agent never hears of it."""
    proxy.forward(request)
    reset(client)


def answered_by_a_proxy(_proxy: Proxy, client: socket.socket, _request: bytes) -> None:
    """A load balancer's own words, in HTML."""
    body = b"<html><h1>502 Bad Gateway</h1></html>"
    client.sendall(
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
        % (len(body), body)
    )


def no_http(_proxy: Proxy, client: socket.socket, _request: bytes) -> None:
    """The first bytes of a TLS alert where HTTP was expected."""
    client.sendall(b"\x15\x03\x01\x00\x02\x02\x28")


class RedirectTo:  # pylint: disable=too-few-public-methods  # a fault with a place
    """Another host is named; ``visited`` says whether anybody came."""

    def __init__(self) -> None:
        self._elsewhere = socket.create_server(("127.0.0.1", 0))
        self._elsewhere.setblocking(False)

    def __call__(self, _proxy: Proxy, client: socket.socket, _request: bytes) -> None:
        port = self._elsewhere.getsockname()[1]
        client.sendall(
            b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:%d/api/v1/batches\r\n"
            b"Connection: close\r\nContent-Length: 0\r\n\r\n" % port
        )

    @property
    def visited(self) -> bool:
        """Whether a connection was made there."""
        try:
            self._elsewhere.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Listen no more."""
        self._elsewhere.close()
