"""What ``scrape`` polls: a target, and one answer of it in bounded time and memory.

Rules:

* Plain HTTP goes to this machine only, unless ``--insecure-http``; certificates are verified. No redirect is followed,
  at most ``LARGEST_BODY`` bytes are read, packed or not, and ``--timeout`` is for the whole answer.
"""

import contextlib
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import typer

from server.commands.terminal import say
from server.imports import Report
from server.imports.counters import Counters
from server.settings import is_loopback

if TYPE_CHECKING:
    import httpx

LARGEST_BODY = 16 * 1024 * 1024
_ACCEPT = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4"


@dataclass(slots=True)
class Target:
    """One machine. ``failed`` counts failed scrapes in a row, ``not_before`` (monotonic seconds) is the next."""

    url: str
    source: str
    report: Report
    counters: Counters
    failed: int = 0
    not_before: float = 0.0
    ended: bool = False
    said: set[str] = field(default_factory=set)


class TargetFailed(Exception):
    """One scrape came to nothing; the message is for a person."""


def target_of(url: str, source: str | None, insecure_http: bool, warn: bool) -> Target:
    """A target of a URL. Raises BadParameter."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise typer.BadParameter(f"{url[:100]!r} is no URL", param_hint="URL") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise typer.BadParameter(f"{url[:100]!r} is no URL of http or https", param_hint="URL")
    if parts.username is not None or parts.password is not None:
        raise typer.BadParameter("a password does not belong in a URL: other users can read it", param_hint="URL")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        if not insecure_http:
            raise typer.BadParameter("plain http to another machine: use https, or --insecure-http", param_hint="URL")
        if warn:
            say(f"{parts.hostname} is asked over plain http: anyone between can read and change what comes.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    name = source or f"{host}:{port or {'http': 80, 'https': 443}[parts.scheme]}"
    report = Report(name)
    whole = parts._replace(path=parts.path if parts.path not in ("", "/") else "/metrics", fragment="").geturl()
    return Target(whole, name, report, Counters(report))


def open_client(timeout: float) -> "httpx.Client":
    """What asks; to be closed."""
    import httpx  # pylint: disable=import-outside-toplevel  # help comes without it

    headers = {"Accept": _ACCEPT, "Accept-Encoding": "gzip", "User-Agent": "sysmetric-server"}
    # A connection for each scrape: a kept one would tell _cut_off nothing.
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(headers=headers, timeout=timeout, limits=limits, follow_redirects=False, trust_env=False)


def fetch(client: "httpx.Client", url: str, timeout: float) -> str:
    """The text that a target answers. Raises TargetFailed."""
    import httpx  # pylint: disable=import-outside-toplevel  # see open_client

    deadline = time.monotonic() + timeout
    try:
        with _cut_off(timeout) as extensions, client.stream("GET", url, extensions=extensions) as answer:
            if answer.status_code != 200:
                raise TargetFailed(f"answered with status {answer.status_code}")
            if answer.headers.get("Content-Type", "").startswith("text/html"):
                raise TargetFailed("answered with a web page; name the path of its metrics")
            packed = answer.headers.get("Content-Encoding", "identity").lower()
            if packed not in ("identity", "gzip"):
                raise TargetFailed("its answer is packed, and not with gzip")
            return _bounded(answer.iter_raw(), packed == "gzip", deadline).decode("utf-8")
    except httpx.TimeoutException as error:
        raise TargetFailed(f"did not answer within {timeout:g} s") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        if time.monotonic() > deadline:
            raise TargetFailed(f"did not answer within {timeout:g} s") from error
        raise TargetFailed(f"cannot be reached or broke off ({type(error).__name__})") from error
    except (zlib.error, UnicodeDecodeError) as error:
        raise TargetFailed("its answer is damaged") from error


@contextlib.contextmanager
def _cut_off(seconds: float) -> Iterator[dict[str, Any]]:
    """For the block, the extensions of a request whose connection is shut down when the time is up: httpx's timeout
    begins anew with every byte. As ``agent.deadline``, which the server may not import."""
    streams: list[Any] = []

    def trace(event: str, info: dict[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            streams.append(info["return_value"])

    def cut() -> None:
        with contextlib.suppress(OSError, IndexError):  # closed in the meantime, or not connected yet
            socket.socket.shutdown(streams[-1].get_extra_info("socket"), socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield {"trace": trace}
    finally:
        timer.cancel()


def _bounded(blocks: Iterator[bytes], packed: bool, deadline: float) -> bytes:
    """All blocks, unpacked. Raises TargetFailed for too much and too slow."""
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    body = bytearray()
    for block in blocks:
        body += unpacker.decompress(block, LARGEST_BODY + 1 - len(body)) if packed else block
        if len(body) > LARGEST_BODY:
            raise TargetFailed(f"its answer is longer than {LARGEST_BODY // 1024 // 1024} MiB")
        if time.monotonic() > deadline:
            break
    if time.monotonic() > deadline:  # what was cut off looks like an end where no length was told
        raise TargetFailed("its answer takes too long")
    if packed and not unpacker.eof:
        raise TargetFailed("its answer is cut off")
    return bytes(body)
