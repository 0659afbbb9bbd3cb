"""A real server with a few hours of samples in a real store, and a browser that is watched."""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Flask
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from consent.catalogue import TABLES
from server.app import create_app
from server.clock import clock_ms
from server.links import Grant
from server.runtime import Runtime
from server.store.protocol import StoredBatch
from tests.server.installation import Clock, Volunteer, initialise, open_installation

GIB = 2**30
DISKS = ("nvme0n1", "sda")


@dataclass
class RealClock:
    """The real time, or for a moment an earlier one: so that a consent is older than the samples."""

    back_ms: int = 0

    def __call__(self) -> int:
        return clock_ms() - self.back_ms


@dataclass
class Dashboard:
    """The server and what plays the machines; times are in ms."""

    runtime: Runtime
    app: Flask
    url: str
    clock: RealClock = field(default_factory=RealClock)
    sequences: dict[str, int] = field(default_factory=dict)

    def enrol(self, ago_ms: int = 0) -> Volunteer:
        """A volunteer whose consent was given so long ago; the clock is the real one."""
        self.clock.back_ms = ago_ms
        try:
            made = Volunteer(self.app.test_client(), cast(Clock, self.clock), self.runtime.thumbprint)
            made.enrol(self.runtime.registry.create_invite(1, clock_ms() + 86_400_000, "", clock_ms())[1])
        finally:
            self.clock.back_ms = 0
        return made

    def put(self, instance: str, times: list[int], *tables: str) -> None:
        """Samples at these times."""
        self.sequences[instance] = self.sequences.get(instance, 0) + 1
        columns = samples(times, *tables)
        digest = sha256(repr(columns).encode()).digest()
        self.runtime.store.append([StoredBatch(instance, self.sequences[instance], digest, columns)])

    def operator_link(self) -> str:
        token_id, _ = self.runtime.registry.create_token("browser", "operator", None, clock_ms())
        return f"{self.url}/open/{self.runtime.links.create(Grant('operator', token_id=token_id))[0]}"

    def volunteer_link(self, instance: str) -> str:
        return f"{self.url}/open/{self.runtime.links.create(Grant('volunteer', instance=instance))[0]}"


@contextmanager
def dashboard(directory: Path) -> Iterator[Dashboard]:
    """Serve a fresh installation on a free port of the loopback interface."""
    initialise(directory / "server")
    clock = RealClock()
    with open_installation(directory / "server", clock) as runtime:
        app = create_app(runtime)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Dashboard(runtime, app, f"http://127.0.0.1:{server.server_port}", clock)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class Watched:
    """A page of which every request and every console message is kept."""

    def __init__(self, browser: Browser, width: int = 1440, height: int = 900, **options: Any) -> None:
        context = browser.new_context(
            viewport={"width": width, "height": height}, timezone_id="Europe/Warsaw", **options
        )
        context.set_default_timeout(15_000)
        self.page: Page = context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda message: self.complaints.append(message.text) if message.type in ("error", "warning") else None,
        )

    def enter(self, link: str) -> Page:
        """Open a one-time link and wait for the charts or the empty page."""
        self.page.goto(link)
        self.page.get_by_role("button", name="Open the dashboard").click()
        self.page.wait_for_selector("#feed:not([data-state=off]), #empty:not([hidden])")
        return self.page

    def enter_at(self, link: str, path: str) -> Page:
        """Open a one-time link and go to ``path`` of the same site."""
        self.page.goto(link)
        self.page.get_by_role("button", name="Open the dashboard").click()
        parts = urlsplit(self.page.url)
        self.page.goto(f"{parts.scheme}://{parts.netloc}{path}")
        self.page.wait_for_selector("#feed:not([data-state=off])")
        return self.page

    @property
    def hosts(self) -> set[str]:
        """Whom the page asked for anything."""
        return {urlsplit(url).netloc for url in self.requests if not url.startswith("blob:")}

    def check(self, url: str, *, but: str = "nothing") -> None:
        """Nobody else was asked, and there is nothing to complain about ``but`` what has this in it."""
        assert [complaint for complaint in self.complaints if but not in complaint] == []
        assert self.hosts == {urlsplit(url).netloc}
        self.page.context.close()


def samples(times: list[int], *tables: str) -> dict[str, dict[str, list[Any]]]:
    """Columns of ``tables`` (all without a name) at these times."""
    return {name: _columns(name, times) for name in tables or TABLES}


def _columns(table: str, times: list[int]) -> dict[str, list[Any]]:
    part = TABLES[table].part
    names = [column.name for column in TABLES[table].wire_columns]
    parts: tuple[Any, ...] = (None,) if part is None else DISKS if table == "disk" else (0, 1)
    rows = [(at, entry) for at in times for entry in parts]
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for at, entry in rows:
        values = {"cpu": _cpu, "memory": _memory, "disk": _disk}[table](at / 1000)
        values |= {"time": at} | ({} if part is None else {part.name: entry})
        for name in names:
            columns[name].append(values[name])
    return columns


def _cpu(seconds: float) -> dict[str, Any]:
    busy = 0.35 + 0.2 * math.sin(seconds / 240) + 0.08 * math.sin(seconds / 31)
    values = {"user": busy * 0.7, "system": busy * 0.2, "nice": 0.0, "iowait": busy * 0.08}
    return {**values, "interrupt": busy * 0.01, "steal": busy * 0.01, "idle": 1 - busy}


def _memory(seconds: float) -> dict[str, Any]:
    used = int((1.6 + 0.3 * math.sin(seconds / 900)) * GIB)
    return {
        "total_bytes": 4 * GIB,
        "used_bytes": used,
        "available_bytes": 4 * GIB - used - GIB // 5,
        "swap_total_bytes": GIB,
        "swap_used_bytes": GIB // 8,
    }


def _disk(seconds: float) -> dict[str, Any]:
    read = 24e6 * max(0.0, math.sin(seconds / 70)) ** 8 + 2e5 * (1 + math.sin(seconds / 3))
    write = 2e6 * (1 + math.sin(seconds / 45)) + 1e5
    return {
        "read_bytes_per_second": read,
        "write_bytes_per_second": write,
        "reads_per_second": read / 16e3,
        "writes_per_second": write / 8e3,
        "busy": min(1.0, read / 40e6 + write / 20e6),
    }
