"""The one way to the network: httpx clients that talk to one origin and to nothing else.

Rules:

* ``https`` to any host, verified; plain ``http`` to loopback only. Redirects are never followed.
* A proxy of the environment (``HTTPS_PROXY``, ``NO_PROXY``) is honoured, but plain http never goes through one: what is
  meant for this machine must not leave it.
* One kept-alive connection. The User-Agent names the program and its version, not the system.
* An exchange as a whole takes ``EXCHANGE_TIMEOUTS`` times the timeout at most, however many bytes arrive in time.
* An answer is read up to ``MAX_ANSWER_BYTES`` and never decompressed; what is longer is not an answer of our server.
* ``batch_client`` takes an ``ActiveConsent``: before there is one, only ``open_client`` exists, for the notice, the
  record and the withdrawal.
"""

import contextlib
import ipaddress
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agent.deadline import Deadline
from agent.errors import ConfigError, Refused, ServerUnreachable
from agent.untrusted import clean_line
from consent import __version__
from consent.chain import ActiveConsent

if "httpx" not in sys.modules:
    # httpx imports its command line with Rich and Pygments where they are installed: 10 MB and half the start-up time
    # of an agent that prints nothing. It has a fallback for a failed import, so let this one fail.
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    import httpx

    del sys.modules["httpx._main"]
else:
    import httpx

#: A name in its ASCII form, an IPv4 or an IPv6 address (httpx has taken the brackets off).
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?\.?|[0-9a-f:]+:[0-9a-f:.]*")
USER_AGENT = f"sysmetric/{__version__}"
MAX_ANSWER_BYTES = 1024 * 1024
MAX_LINE_BYTES = 64 * 1024
#: Connecting, sending and waiting for an answer each have the timeout to themselves.
EXCHANGE_TIMEOUTS = 3
#: Longer than most batches, so that one connection serves all of them.
_KEEP_ALIVE_SECONDS = 330.0
_BEFORE_SENDING = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said: status, lower-case header names, at most ``MAX_ANSWER_BYTES`` of body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> dict[str, Any] | None:
        """The JSON object in the body, or None where there is none."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return document if isinstance(document, dict) else None

    def problem(self) -> tuple[str | None, str]:
        """The RFC 9457 type and detail; (None, a description) for an answer that is not a problem document."""
        document = self.document()
        if document is not None and self.headers.get("content-type", "").startswith("application/problem+json"):
            kind = document.get("type")
            if isinstance(kind, str) and kind != "about:blank":
                return clean_line(kind, 80), clean_line(
                    str(document.get("detail") or document.get("title") or "no reason given")
                )
        return None, f"unexpected answer {self.status}"


class _Client(httpx.Client):
    """A client whose exchanges can be bounded as a whole."""

    def __init__(self, deadline: Deadline, **options: Any) -> None:
        super().__init__(**options)
        self.deadline = deadline

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """As httpx does, and the deadline learns of the connection."""
        request.extensions = {**request.extensions, "trace": self.deadline.trace}
        return super().send(request, **options)


def check_origin(origin: str) -> str:
    """``scheme://host[:port]`` in its one spelling. Raises ConfigError for what this program will not talk to."""
    try:
        url = httpx.URL(origin)
    except (httpx.InvalidURL, TypeError) as error:
        raise ConfigError(f"{origin[:200]!r} is not the address of a server") from error
    host = url.raw_host.decode("ascii")
    if url.scheme not in ("http", "https") or not _HOST.fullmatch(host) or not 0 < (url.port or 443) < 65536:
        raise ConfigError(f"{origin[:200]!r} is not the address of a server; it begins with https://")
    if url.userinfo or url.query or url.fragment or url.path not in ("", "/"):
        raise ConfigError(f"{origin[:200]!r} must be only https://host or https://host:port")
    if url.scheme == "http" and not is_loopback(host):
        raise ConfigError(f"{host} must be reached by https; plain http is for this machine only")
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def is_loopback(host: str) -> bool:
    """``localhost``, 127.0.0.0/8 or ::1, as written: no name is looked up."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def open_client(origin: str, *, timeout_seconds: float = 10.0) -> httpx.Client:
    """A client for one origin. Opens no connection yet. Raises ConfigError (see ``check_origin``)."""
    base_url = check_origin(origin)
    encrypted = base_url.startswith("https://")
    try:
        return _Client(
            Deadline(EXCHANGE_TIMEOUTS * timeout_seconds),
            base_url=base_url,
            trust_env=encrypted,
            follow_redirects=False,
            timeout=timeout_seconds,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_KEEP_ALIVE_SECONDS),
            headers={"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"},
        )
    except (
        ValueError,
        ImportError,
        OSError,
        httpx.InvalidURL,
    ) as error:  # a proxy or a certificate file that is unusable
        raise ConfigError(f"the proxy or certificate settings of the environment cannot be used: {error}") from error


def batch_client(consent: ActiveConsent, *, timeout_seconds: float = 10.0) -> httpx.Client:
    """The client for batches, to the origin that the receipt names. Raises ConfigError."""
    return open_client(consent.origin, timeout_seconds=timeout_seconds)


def send(client: httpx.Client, request: httpx.Request) -> Answer:
    """Send one request and read the answer, bounded. Raises ServerUnreachable."""
    assert isinstance(client, _Client), "only open_client makes clients"
    deadline = client.deadline
    try:
        with deadline.enforced():
            response = client.send(request, stream=True)
            try:
                body = _read(response, MAX_ANSWER_BYTES)
            finally:
                response.close()
    except httpx.HTTPError as error:
        if deadline.passed:
            raise ServerUnreachable(f"{request.url.host} cannot be reached: no answer in time", sent=True) from error
        sent = not isinstance(error, _BEFORE_SENDING)
        raise ServerUnreachable(f"{request.url.host} cannot be reached: {_reason(error)}", sent=sent) from error
    except httpx.InvalidURL as error:
        raise ServerUnreachable(f"{request.url.host} cannot be reached: {error}") from error
    return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, body)


@contextlib.contextmanager
def stream(client: httpx.Client, request: httpx.Request) -> Iterator[tuple[Answer, Iterator[bytes]]]:
    """Send one request and read a 200 line by line; any other answer is read whole and has no lines.

    Raises ServerUnreachable, also for a line longer than ``MAX_LINE_BYTES`` and for an answer that breaks off.
    """
    try:
        response = client.send(request, stream=True)
        try:
            headers = {name.lower(): value for name, value in response.headers.items()}
            body = b"" if response.status_code == 200 else _read(response, MAX_ANSWER_BYTES)
            yield Answer(response.status_code, headers, body), _lines(response)
        finally:
            response.close()
    except httpx.HTTPError as error:
        what = "cannot be reached" if isinstance(error, _BEFORE_SENDING) else "broke off"
        raise ServerUnreachable(f"{request.url.host} {what}: {_reason(error)}") from error


def call(client: httpx.Client, method: str, path: str, document: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One JSON call (not for batches): the object of a 2xx answer. Raises ServerUnreachable, Refused."""
    answer = send(client, client.build_request(method, path, json=document))
    return expect_object(answer)


def expect_object(answer: Answer) -> dict[str, Any]:
    """The JSON object of a 2xx answer. Raises Refused: a problem. ServerUnreachable: no answer of ours, or not now."""
    if 200 <= answer.status < 300:
        document = answer.document()
        if document is None:
            raise ServerUnreachable("something other than the server answered: its answer is not a JSON object")
        return document
    problem, detail = answer.problem()
    if problem is None:
        raise ServerUnreachable(f"something other than the server answered: {detail}")
    if answer.status == 429 or answer.status >= 500:
        raise ServerUnreachable(f"the server cannot answer now ({problem}): {detail}")
    raise Refused(problem, detail)


def _read(response: httpx.Response, limit: int) -> bytes:
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > limit:
            raise ServerUnreachable(f"{response.url.host} sent an answer that is too long", sent=True)
    return bytes(body)


def _lines(response: httpx.Response) -> Iterator[bytes]:
    rest = b""
    for chunk in response.iter_raw():
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if len(rest) > MAX_LINE_BYTES:
            raise ServerUnreachable(f"{response.url.host} sent a line that is too long", sent=True)
    if rest:
        yield rest


def _reason(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    words = re.sub(r"^\[Errno -?\d+\] ", "", str(error))
    return clean_line(words) or type(error).__name__
