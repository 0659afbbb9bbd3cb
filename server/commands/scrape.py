"""``sysmetric-server scrape``: polls node_exporter's ``/metrics`` of open servers.

Rules:

* A target that is away is told once, asked less and less often, and told once when it is back; so is a server that
  cannot store: its rows wait, the oldest are dropped when there are too many, and that is told as well.
* A name that the server refuses ends its target only. Where none is left the command ends.
* The time of a sample is when it was asked for. What is counted as stored was confirmed by the server.
"""

import json
import signal
import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.status import Status

from server.clock import clock_ms
from server.commands.scrape_target import Target, TargetFailed, fetch, open_client, target_of
from server.commands.terminal import AsJson, DataDir, configuration, counted, office, say
from server.errors import AlreadyRunning, InvalidRequest, ServerUnreachable, StoreError
from server.imports import Chunker, Imported
from server.imports.exposition import parse_scrape

if TYPE_CHECKING:
    import httpx

MOST_WAITING = 1000
LONGEST_BACKOFF_SECONDS = 300.0
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


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
    targets = [target_of(url, source, insecure_http, not as_json) for url in urls]
    if len({target.source for target in targets}) < len(targets):
        raise typer.BadParameter("a machine is named twice", param_hint="URL")
    run = Run(targets, _seconds(every), timeout, as_json)
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    run.until(stop, count, lambda: office(data_dir))
    if not as_json:
        typer.echo(f"scraped: {run.scrapes:,} times, stored: {counted(dict(run.stored))}")
        if run.failures:
            say(f"Failed: {run.failures:,} times.")
    if run.waiting:
        say(f"Not stored, the server could not: {len(run.waiting):,} scrapes.")
    if not run.scrapes or run.waiting or any(target.ended for target in targets):
        raise typer.Exit(1)


class Run:
    """All targets, and what became of them."""

    def __init__(self, targets: list[Target], every: float, timeout: float, as_json: bool) -> None:
        self._targets = targets
        self._every = every
        self._timeout = timeout
        self._as_json = as_json
        self.scrapes = self.failures = 0
        self.stored: Counter[str] = Counter()
        self.waiting: deque[Imported] = deque()
        self._confirmed: dict[str, Counter[str]] = {target.source: Counter() for target in targets}
        self._away = False
        self._dropped = 0

    def until(self, stop: Event, count: int, desk: Any) -> None:
        """Scrape every so often, ``count`` times or until ``stop``; ``desk()`` is a way to do acts, as ``office``."""
        console = Console(stderr=True)
        shown = Status("Scraping", console=console) if console.is_terminal and not self._as_json else None
        if shown:
            shown.start()
        try:
            with open_client(self._timeout) as client, ThreadPoolExecutor(min(8, len(self._targets))) as pool:
                began, done = time.monotonic(), 0
                while not stop.is_set() and not all(target.ended for target in self._targets):
                    self._round(client, pool, desk)
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

    def _round(self, client: "httpx.Client", pool: ThreadPoolExecutor, desk: Any) -> None:
        """Ask every target whose time has come, and store."""
        now = time.monotonic()
        due = [target for target in self._targets if not target.ended and target.not_before <= now]
        answers = list(pool.map(lambda target: self._ask(client, target), due))
        failed = {t.source: (when, self.take(t, when, text)) for t, (when, text) in zip(due, answers, strict=True)}
        self.flush(desk)
        if self._as_json:
            for target in self._targets:
                rows = self._confirmed[target.source]
                if target.source in failed or rows:  # rows that waited are confirmed whenever the server is back
                    now_ms, words = failed.get(target.source, (clock_ms(), ""))
                    waiting = sum(chunk.source == target.source for chunk in self.waiting)
                    value = {"time": now_ms, "source": target.source, "rows": dict(rows), "waiting": waiting}
                    typer.echo(json.dumps({**value, "error": words or None}))
                    rows.clear()

    def _ask(self, client: "httpx.Client", target: Target) -> tuple[int, str | TargetFailed]:
        now_ms = clock_ms()
        try:
            return now_ms, fetch(client, target.url, self._timeout)
        except TargetFailed as error:
            return now_ms, error

    def take(self, target: Target, now_ms: int, text: str | TargetFailed) -> str:
        """What a target answered becomes rows that wait. Answers in words what is wrong, else nothing."""
        if isinstance(text, TargetFailed):
            return self._tell(target, str(text))
        scraped = parse_scrape(text, target.source, now_ms, target.report)
        if not (scraped.cpu or scraped.memory or scraped.disk):
            return self._tell(target, "there is nothing of node_exporter in its answer")
        chunker = Chunker(600, target.report.fault)
        tables = target.counters.add(scraped)
        self.waiting.extend((*chunker.add_all(target.source, tables), *chunker.rest()))
        return self._tell(target, "")

    def _tell(self, target: Target, failed: str) -> str:
        if failed:
            self.failures += 1
            target.failed += 1
            if target.failed == 1:
                say(f"{target.source}: {failed}; trying on")
            wait = min(LONGEST_BACKOFF_SECONDS, self._every * 2 ** min(8, target.failed - 1))
            target.not_before = time.monotonic() + wait - self._every / 2 if target.failed > 1 else 0.0
            return failed
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
        return ""

    def flush(self, desk: Any) -> None:
        """Store what waits, or tell once that it goes on waiting."""
        while len(self.waiting) > MOST_WAITING:
            self.waiting.popleft()
            self._dropped += 1
            if self._dropped == 1:
                say(f"More than {MOST_WAITING:,} scrapes wait for the server: the oldest are dropped.")
        if not self.waiting:
            return
        try:
            with desk() as (ask, _):
                while self.waiting:
                    self._store(ask, self.waiting[0])
        except (AlreadyRunning, ServerUnreachable, StoreError) as error:
            if not self._away:
                say(f"Waiting: {error}")
            self._away = True
            return
        if self._away:
            lost = f"; {self._dropped:,} scrapes were dropped" if self._dropped else ""
            say(f"The server stores again{lost}.")
        self._away, self._dropped = False, 0

    def _store(self, ask: Any, chunk: Imported) -> None:
        try:
            answer = ask("import-rows", source=chunk.source, tables=chunk.tables)
        except InvalidRequest as error:
            say(f"{chunk.source}: {error}; it is not asked any more")
            self.waiting = deque(each for each in self.waiting if each.source != chunk.source)
            for target in self._targets:
                target.ended = target.ended or target.source == chunk.source
            return
        self.waiting.popleft()
        self.stored.update(answer["rows"])
        self._confirmed[chunk.source].update(answer["rows"])


def _seconds(text: str) -> float:
    """``15s`` in seconds. Raises BadParameter."""
    number, unit = (text[:-1], text[-1:]) if text[-1:] in _UNITS else (text, "s")
    if not number.isascii() or not number.isdecimal() or not 1 <= int(number[:6]) * _UNITS[unit] <= 600:
        raise typer.BadParameter(f"{text[:20]!r} is no time between 1s and 10m", param_hint="--every")
    return int(number) * _UNITS[unit]
