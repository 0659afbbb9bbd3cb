"""One connection to a kdb+ process: a socket, the login, and one call after the other.

Rules:

* The bytes of calls and replies are PyKX's (``kdb_columns``); the socket is ours. PyKX 4.2.0's own connection was tried
  and left out: while it connects it holds the GIL, so an address that does not answer stops the whole server for the
  length of the timeout; a kdb+ that dies in the middle of a reply leaves it in an endless loop that no timeout ends;
  its TLS does not compare the host name; its reconnect sends the query again by itself.
* A connection serves one thread and one call at a time. After anything went wrong it is closed, since a late reply
  would be taken for the next call's.
* Every wait has an end. ``ConnectionLost.resend`` says whether the same call may be sent again at once on another
  connection: after a reset or an end of stream, not after a timeout, where kdb+ may still be at work on it.
* A login is read from its file for each connection and goes nowhere else: not into a URL, a message or a log.
"""

import select
import socket
import ssl
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Lock
from urllib.parse import urlsplit

from consent.errors import KeyFileError
from consent.signature import read_secret_file
from server.errors import ConfigError, StorageFull, StoreUnavailable

CONNECT_SECONDS = 5.0
#: What kdb+ speaks since 3.0: compressed replies, timestamps and guids, messages below 2 GB.
CAPABILITY = b"\x03"
#: A longer reply is a mistake of somebody; a page of rows is about 6 MB.
LARGEST_REPLY = 512 * 1024 * 1024
#: Little endian, kind of message, compressed or not, one byte that only messages above 4 GB use, the whole length.
HEADER = struct.Struct("<BBBBI")
ASYNCHRONOUS, SYNCHRONOUS, RESPONSE = 0, 1, 2
#: The type byte of a reply that is an error's text.
ERROR = 0x80


class ConnectionLost(StoreUnavailable):
    """The connection ended in the middle of a call; nobody knows whether the call was done."""

    def __init__(self, message: str, *, resend: bool) -> None:
        super().__init__(message)
        self.resend = resend


class LoginRefused(StoreUnavailable):
    """kdb+ closed the connection over the login."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where kdb+ listens; ``tls`` for ``kdbs://``."""

    host: str
    port: int
    tls: bool

    def __str__(self) -> str:
        scheme = "kdbs" if self.tls else "kdb"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"


def address_of(url: str) -> Address:
    """The address in ``kdb://host:port`` or ``kdbs://host:port``. Raises ConfigError."""
    wrong = "a kdb+ store is kdb://host:port, or kdbs://host:port for TLS; the login stands in a file, never in the URL"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigError(wrong) from None
    if parts.scheme not in ("kdb", "kdbs") or not host or not port or any(letter in url[7:] for letter in "@/?#"):
        raise ConfigError(wrong)
    return Address(host, port, parts.scheme == "kdbs")


@dataclass(frozen=True, slots=True)
class Login:
    """A file with one line ``user:password``, 0600. ``required``: the operator named it, so it has to be there."""

    path: Path
    required: bool = False

    def read(self) -> bytes:
        """``user:password``, or nothing where there is no file. Raises ConfigError naming the next step."""
        if not self.required and not self.path.exists():
            return b""
        try:
            line = read_secret_file(self.path).strip()
        except KeyFileError as error:
            raise ConfigError(str(error)) from error
        if b":" not in line or any(byte < 32 for byte in line):
            raise ConfigError(f"{self.path} must hold one line, user:password")
        return line


class Backoff:
    """When the next attempt to connect is due, for all threads of a store together. ``clock`` is in seconds."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
        first: float = 0.25,
        longest: float = 15.0,
    ) -> None:
        self._clock = clock
        self._random = random or Random()  # nosec: only spreads attempts
        self._first, self._longest = first, longest
        self._lock = Lock()
        self._failures = 0
        self._due = 0.0
        self._reason = ""

    def check(self) -> None:
        """Raises StoreUnavailable with the reason of the last failure while the next attempt is not due."""
        with self._lock:
            wait = self._due - self._clock()
            if wait > 0:
                raise StoreUnavailable(f"{self._reason} (next attempt in {wait:.1f} s)")

    def failed(self, reason: str) -> None:
        """Wait longer each time, up to ``longest`` seconds, anything between half and all of it."""
        with self._lock:
            longest = min(self._longest, self._first * 2 ** min(self._failures, 30))
            self._failures += 1
            self._due = self._clock() + longest * (0.5 + self._random.random() / 2)
            self._reason = reason

    def worked(self) -> None:
        """Start from the beginning at the next failure."""
        with self._lock:
            self._failures, self._due = 0, 0.0


class Connection:
    """An open, logged-in connection. Raises StoreUnavailable, LoginRefused or ConfigError when there is none."""

    def __init__(self, address: Address, login: Login, seconds: float = CONNECT_SECONDS) -> None:
        self.address = address
        credentials = login.read()
        self._deadline = time.monotonic() + seconds
        try:
            self._socket = _open_socket(address, seconds)
        except ssl.SSLCertVerificationError as error:
            raise StoreUnavailable(
                f"the certificate of {address} is not trusted: {error.verify_message}; "
                "name the authority's file in SSL_CERT_FILE, or use the host name that the certificate has"
            ) from error
        except OSError as error:
            reason = str(error.strerror or error or type(error).__name__)
            raise StoreUnavailable(f"{address} does not answer: {reason}; start kdb+ there") from error
        try:
            self._log_in(credentials, login)
        except BaseException:
            self._socket.close()
            raise

    def _log_in(self, credentials: bytes, login: Login) -> None:
        try:
            self._left()
            self._socket.sendall(credentials + CAPABILITY + b"\0")
            self._left()
            answer = self._socket.recv(1)
        except TimeoutError as error:
            raise StoreUnavailable(
                f"{self.address} took the connection and does not answer: kdb+ is busy, or something else listens there"
            ) from error
        except OSError:
            answer = b""
        if not answer:
            known = f"the login in {login.path}" if credentials else f"us without a login; put one in {login.path}"
            raise LoginRefused(f"{self.address} refuses {known} (one line, user:password, mode 0600)")

    def call(self, message: bytes, seconds: float) -> bytearray:
        """Send a message and wait for its reply, which is returned with its header. Raises ConnectionLost."""
        self._deadline = time.monotonic() + seconds
        try:
            self._send(message)
            while True:
                reply = self._receive()
                if reply[1] == RESPONSE:
                    return reply
                if reply[1] != ASYNCHRONOUS:
                    raise ConnectionLost(f"{self.address} does not speak as kdb+ does", resend=False)
        except TimeoutError as error:
            self.close()
            raise ConnectionLost(
                f"{self.address} did not reply within {seconds:g} s; it may still do what was asked", resend=False
            ) from error
        except OSError as error:
            self.close()
            raise ConnectionLost(f"the connection to {self.address} broke: {error}", resend=True) from error
        except ConnectionLost:
            self.close()
            raise

    def is_stale(self) -> bool:
        """Whether the other side has ended it (or sent something unasked) since the last call."""
        try:
            return bool(select.select([self._socket], [], [], 0)[0])
        except (OSError, ValueError):
            return True

    def close(self) -> None:
        """Let go; twice is the same as once."""
        self._socket.close()

    def _left(self) -> None:
        """Let the next operation take what is left of the time."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)

    def _send(self, message: bytes) -> None:
        self._left()
        self._socket.sendall(message)

    def _receive(self) -> bytearray:
        head = self._read(HEADER.size)
        endian, _, _, high, size = HEADER.unpack(head)
        if endian != 1 or high or not HEADER.size < size <= LARGEST_REPLY:
            raise ConnectionLost(f"{self.address} sent a reply that is none", resend=False)
        return head + self._read(size - HEADER.size)

    def _read(self, size: int) -> bytearray:
        buffer = bytearray(size)
        rest = memoryview(buffer)
        while rest:
            self._left()
            count = self._socket.recv_into(rest)
            if not count:
                raise ConnectionLost(f"{self.address} ended the connection before its reply", resend=True)
            rest = rest[count:]
        return buffer


def error_of(reply: bytearray) -> str | None:
    """The text of a reply that is an error, else None."""
    if reply[2] or reply[HEADER.size] != ERROR:
        return None
    return bytes(reply[HEADER.size + 1 :]).partition(b"\0")[0].decode("utf-8", "replace")[:200]


def refusal(address: Address, text: str) -> StoreUnavailable | StorageFull:
    """The error that a kdb+ error text stands for."""
    if text == "wsfull" or "No space left" in text:
        return StorageFull(f"{address} has no room left ({text})")
    if text == "smp.access":
        return StoreUnavailable(
            f"{address} does not let this user call what is needed; see: sysmetric-server kdb check"
        )
    return StoreUnavailable(f"{address} refuses: {text}")


def _open_socket(address: Address, seconds: float) -> socket.socket:
    plain = socket.create_connection((address.host, address.port), timeout=seconds)
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if not address.tls:
            return plain
        return ssl.create_default_context().wrap_socket(plain, server_hostname=address.host)
    except BaseException:
        plain.close()
        raise
