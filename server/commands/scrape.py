"""``sysmetric-server scrape``: polls node_exporter's ``/metrics`` of open servers.

Rules:

* A target that is away is told once, asked less and less often, and told once when it is back; so is a server that
  cannot store: its rows wait, the oldest are dropped when there are too many.
* Plain HTTP goes to this machine only, unless ``--insecure-http``; certificates are verified. No redirect is followed,
  at most ``LARGEST_BODY`` bytes are read, packed or not, and ``--timeout`` is for the whole answer.
* The time of a sample is when it was asked for.
"""

import json
import signal
import time
import zlib
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.status import Status

from server.clock import clock_ms
from server.commands.terminal import AsJson, DataDir, configuration, counted, office, say
from server.errors import AlreadyRunning, ImportFailed, InvalidRequest, ServerUnreachable, StoreUnavailable
from server.imports import Chunker, Imported, Report
from server.imports.counters import Counters
from server.imports.exposition import parse_scrape
from server.settings import is_loopback

if TYPE_CHECKING:
    import httpx

LARGEST_BODY = 16 * 1024 * 1024
_MOST_WAITING = 1000
_LONGEST_BACKOFF_SECONDS = 300.0
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_ACCEPT = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4"


def register(parent: typer.Typer) -> None:
    """Add the command."""
    parent.command("scrape")(scrape)


def scrape(  # pylint: disable=too-many-positional-arguments  # Typer's options
    urls: Annotated[list[str], typer.Argument(metavar="URL...", help="Of node_exporter; /metrics may be left out.")],
    every: Annotated[str, typer.Option("--every", metavar="TIME", help="15s, 1m: how often to ask.")] = "15s",
    source: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="Name of the machine; else host:port of the URL.")
    ] = None,
    count: Annotated[int, typer.Option("--count", min=0, help="End after so many times; 0: at Ctrl-C.")] = 0,
    timeout: Annotated[float, typer.Option("--timeout", min=0.1, max=300, help="Seconds for a whole answer.")] = 10.0,
    insecure_http: Annotated[
        bool, typer.Option("--insecure-http", help="Allow http to other machines: anyone between can read and change.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """
    Poll node_exporter of open servers for the public dashboard.

    \b
    Examples:
      sysmetric-server scrape http://localhost:9100 --every 15s
      sysmetric-server scrape https://web1.example.org:9100/metrics --source web1
    """
    if source is not None and len(urls) > 1:
        raise typer.BadParameter("one name cannot be of several machines", param_hint="--source")
    configuration(data_dir)
    targets = [_target(url, source, insecure_http, not as_json) for url in urls]
    if len({target.source for target in targets}) < len(targets):
        raise typer.BadParameter("a machine is named twice", param_hint="URL")
    run = _Run(targets, _seconds(every), timeout, as_json)
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    run.until(stop, count, lambda: office(data_dir))
    if not as_json:
        typer.echo(f"scraped: {run.scrapes:,} times, stored: {counted(dict(run.stored))}")
        if run.failures:
            say(f"Failed: {run.failures:,} times.")
    if not run.scrapes or run.waiting:
        raise typer.Exit(1)


@dataclass(slots=True)
class _Target:
    url: str
    source: str
    report: Report
    counters: Counters
    failed: int = 0
    not_before: float = 0.0
    said: set[str] = field(default_factory=set)


class _Failed(Exception):
    """One scrape came to nothing; the message is for a person."""


class _Run:
    """All targets, and what became of them."""

    def __init__(self, targets: list[_Target], every: float, timeout: float, as_json: bool) -> None:
        self._targets = targets
        self._every = every
        self._timeout = timeout
        self._as_json = as_json
        self.scrapes = self.failures = 0
        self.stored: Counter[str] = Counter()
        self.waiting: deque[Imported] = deque()
        self._away = ""

    def until(self, stop: Event, count: int, desk: Any) -> None:
        """Scrape every so often, ``count`` times or until ``stop``."""
        console = Console(stderr=True)
        shown = Status("Scraping", console=console) if console.is_terminal and not self._as_json else None
        if shown:
            shown.start()
        try:
            with _client(self._timeout) as client, ThreadPoolExecutor(min(8, len(self._targets))) as pool:
                began, done = time.monotonic(), 0
                while not stop.is_set():
                    due = [target for target in self._targets if target.not_before <= time.monotonic()]
                    for target, found in zip(due, pool.map(lambda each: self._ask(client, each), due), strict=True):
                        self._take(target, found)
                    self._flush(desk)
                    done += 1
                    if shown:
                        shown.update(f"{self.scrapes:,} scrapes, stored {counted(dict(self.stored))}")
                    if done == count:
                        break
                    ticks = int((time.monotonic() - began) // self._every) + 1
                    stop.wait(max(0.0, began + ticks * self._every - time.monotonic()))
        finally:
            if shown:
                shown.stop()

    def _ask(self, client: "httpx.Client", target: _Target) -> tuple[int, str | _Failed]:
        now_ms = clock_ms()
        try:
            return now_ms, _fetch(client, target.url, self._timeout)
        except _Failed as error:
            return now_ms, error

    def _take(self, target: _Target, found: tuple[int, str | _Failed]) -> None:
        now_ms, text = found
        chunks: list[Imported] = []
        failed = ""
        if isinstance(text, _Failed):
            failed = str(text)
        else:
            scraped = parse_scrape(text, target.source, now_ms, target.report)
            if not (scraped.cpu or scraped.memory or scraped.disk):
                failed = "there is nothing of node_exporter in its answer"
            else:
                chunker = Chunker(600, target.report.fault)
                tables = target.counters.add(scraped)
                chunks = [*chunker.add_all(target.source, tables), *chunker.rest()]
        self._tell(target, failed)
        self.waiting.extend(chunks)
        if self._as_json:
            rows: Counter[str] = Counter()
            for chunk in chunks:
                rows.update(chunk.rows)
            value = {"time": now_ms, "source": target.source, "rows": dict(rows), "error": failed or None}
            typer.echo(json.dumps(value))

    def _tell(self, target: _Target, failed: str) -> None:
        if failed:
            self.failures += 1
            target.failed += 1
            if target.failed == 1:
                say(f"{target.source}: {failed}; trying on")
            wait = min(_LONGEST_BACKOFF_SECONDS, self._every * 2 ** min(8, target.failed - 1))
            target.not_before = time.monotonic() + wait - self._every / 2 if target.failed > 1 else 0.0
            return
        self.scrapes += 1
        if target.failed:
            say(f"{target.source}: answers again after {target.failed} failed times")
        target.failed, target.not_before = 0, 0.0
        for line in target.report.first:
            words = line.partition(": ")[2]
            if words not in target.said and len(target.said) < 20:
                target.said.add(words)
                say(line)
        target.report.first.clear()

    def _flush(self, desk: Any) -> None:
        while len(self.waiting) > _MOST_WAITING:
            self.waiting.popleft()
        if not self.waiting:
            return
        try:
            with desk() as (ask, _):
                while self.waiting:
                    chunk = self.waiting[0]
                    answer = ask("import-rows", source=chunk.source, tables=chunk.tables)
                    self.stored.update(answer["rows"])
                    self.waiting.popleft()
            if self._away:
                say("The server stores again.")
            self._away = ""
        except (AlreadyRunning, ServerUnreachable, StoreUnavailable) as error:
            if not self._away:
                say(f"Waiting: {error}")
            self._away = str(error)
        except InvalidRequest as error:
            raise ImportFailed(self.waiting[0].source, "", str(error)) from error


def _target(url: str, source: str | None, insecure_http: bool, warn: bool) -> _Target:
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
    return _Target(whole, name, report, Counters(report))


def _seconds(text: str) -> float:
    """``15s`` in seconds. Raises BadParameter."""
    number, unit = (text[:-1], text[-1:]) if text[-1:] in _UNITS else (text, "s")
    if not number.isascii() or not number.isdecimal() or not 1 <= int(number[:6]) * _UNITS[unit] <= 600:
        raise typer.BadParameter(f"{text[:20]!r} is no time between 1s and 10m", param_hint="--every")
    return int(number) * _UNITS[unit]


def _client(timeout: float) -> "httpx.Client":
    import httpx  # pylint: disable=import-outside-toplevel  # help comes without it

    headers = {"Accept": _ACCEPT, "Accept-Encoding": "gzip", "User-Agent": "sysmetric-server"}
    return httpx.Client(headers=headers, timeout=timeout, follow_redirects=False, trust_env=False)


def _fetch(client: "httpx.Client", url: str, timeout: float) -> str:
    """The text that a target answers. Raises _Failed."""
    import httpx  # pylint: disable=import-outside-toplevel  # see _client

    deadline = time.monotonic() + timeout
    try:
        with client.stream("GET", url) as answer:
            if answer.status_code != 200:
                raise _Failed(f"answered with status {answer.status_code}")
            if answer.headers.get("Content-Type", "").startswith("text/html"):
                raise _Failed("answered with a web page; name the path of its metrics")
            packed = answer.headers.get("Content-Encoding", "identity").lower()
            if packed not in ("identity", "gzip"):
                raise _Failed("its answer is packed, and not with gzip")
            return _bounded(answer.iter_raw(), packed == "gzip", deadline).decode("utf-8")
    except httpx.TimeoutException as error:
        raise _Failed(f"did not answer within {timeout:g} s") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _Failed(f"cannot be reached or broke off ({type(error).__name__})") from error
    except (zlib.error, UnicodeDecodeError) as error:
        raise _Failed("its answer is damaged") from error


def _bounded(blocks: Iterator[bytes], packed: bool, deadline: float) -> bytes:
    """All blocks, unpacked. Raises _Failed for too much and too slow."""
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    body = bytearray()
    for block in blocks:
        body += unpacker.decompress(block, LARGEST_BODY + 1 - len(body)) if packed else block
        if len(body) > LARGEST_BODY:
            raise _Failed(f"its answer is longer than {LARGEST_BODY // 1024 // 1024} MiB")
        if time.monotonic() > deadline:
            raise _Failed("its answer takes too long")
    if packed and not unpacker.eof:
        raise _Failed("its answer is cut off")
    return bytes(body)
