"""What the pages weigh, how soon they are there, and what they cost while they are live, in Debian's Chromium.

Rules:

* The production server over loopback; a machine with 8 cores and 4 disks, an hour of samples at 1 s, and a new one each
  second from a sender that signs as an agent does.
* ``weight_kb`` is what came over the wire for the page itself (HTML, scripts, words, styles, icon) into an empty cache;
  ``data_kb`` is what the page then asked of the API before it was drawn.
* The main thread's share is Chromium's own ``TaskDuration`` in CPU time (waiting for a busy machine is no work), in a
  window so high that every chart is in sight.
"""

import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright

from agent.documents import active_consent
from agent.paths import AgentPaths
from tests.benchmarks.ingest import run_senders
from tests.benchmarks.load import Line, Order, Shape, pack
from tests.benchmarks.processes import BenchmarkFailed, Server, enrol, running_server
from tests.e2e.conftest import CHROMIUM, CHROMIUM_FLAGS

HOUR = Shape("an hour", cores=8, disks=4, seconds=300)
SECOND = Shape("a second", cores=8, disks=4, seconds=1)
BATCHES = 12
#: Numbers of the live batches; far from those of the hour.
LIVE_FROM = 1000
LOADS = 5
SETTLE_SECONDS = 4.0
WINDOW = {"width": 1440, "height": 2400}


@dataclass(frozen=True, slots=True)
class PageResult:
    """One page. ``first_paint_ms`` is the middle one of several loads; ``main_thread_percent`` of one core, live."""

    page: str
    requests: int
    weight_kb: float
    data_kb: float
    first_paint_ms: float
    main_thread_percent: float


def measure(seconds: float) -> Iterator[PageResult]:
    """Fill a fresh server, keep one machine live, and look at each page for ``seconds``."""
    with tempfile.TemporaryDirectory(prefix="sysmetric-benchmark-") as name, running_server(Path(name)) as server:
        environment = enrol(Path(name) / "volunteer", server)
        newest_ms = time.time_ns() // 1_000_000
        run_senders([Order(environment, HOUR, BATCHES, 600.0, newest_ms)], server.pid)
        with _live(environment), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
            try:
                context = _signed_in(browser, server)
                machine = _machine(context, server)
                paths = {
                    "overview": "/",
                    "machine, 5 min, 6 charts and cores": f"{machine}?range=5m",
                    "machine, 1 h, 6 charts and cores": f"{machine}?range=1h",
                    "compare, two times": f"/compare?instance={machine.rsplit('/', 1)[1]}&range=15m",
                    "API": "/docs/api",
                }
                for page, path in paths.items():
                    yield _measured(context, page, server.url + path, seconds)
            finally:
                browser.close()


def _measured(context: BrowserContext, name: str, url: str, seconds: float) -> PageResult:
    loads = [_load(context, url) for _ in range(LOADS + 1)][1:]  # the first one warms up server and browser
    page = context.new_page()
    page.goto(url)
    page.wait_for_load_state("load")
    time.sleep(SETTLE_SECONDS)  # what a page does once is told by its first paint
    session = context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    began, before = time.monotonic(), _busy(session)
    time.sleep(seconds)
    busy, elapsed = _busy(session) - before, time.monotonic() - began
    page.close()
    return PageResult(
        page=name,
        requests=loads[-1].requests,
        weight_kb=statistics.median(load.weight for load in loads) / 1000,
        data_kb=statistics.median(load.data for load in loads) / 1000,
        first_paint_ms=statistics.median(load.first_paint_ms for load in loads),
        main_thread_percent=busy / elapsed * 100,
    )


@dataclass(frozen=True, slots=True)
class _Load:
    requests: int
    weight: float
    data: float
    first_paint_ms: float


def _load(context: BrowserContext, url: str) -> _Load:
    """Open the page once with an empty cache; bytes as they came over the wire."""
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    paths: dict[str, str] = {}
    sizes: dict[str, float] = {}
    session.on("Network.requestWillBeSent", lambda told: paths.update({told["requestId"]: told["request"]["url"]}))
    session.on("Network.loadingFinished", lambda told: sizes.update({told["requestId"]: told["encodedDataLength"]}))
    page.goto(url)
    page.wait_for_load_state("load")
    page.wait_for_timeout(1500)  # the data of the charts
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
    page.close()
    if painted is None:
        raise BenchmarkFailed(f"nothing was painted at {url}")
    weight, data, requests = 0.0, 0.0, 0
    for request, size in sizes.items():
        if urlsplit(paths.get(request, "")).path.startswith("/api/"):
            data += size
        else:
            weight, requests = weight + size, requests + 1
    return _Load(requests, weight, data, float(painted))


def _busy(session: CDPSession) -> float:
    """Seconds that the main thread of the page has worked."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))


def _signed_in(browser: Browser, server: Server) -> BrowserContext:
    context = browser.new_context(viewport=WINDOW)  # type: ignore[arg-type]  # a TypedDict of ints
    page: Page = context.new_page()
    page.goto(str(server.call("link")["url"]))
    page.locator("button[type=submit].primary").click()
    page.wait_for_load_state("load")
    page.close()
    return context


def _machine(context: BrowserContext, server: Server) -> str:
    """The path of the one machine."""
    entries = context.request.get(f"{server.url}/api/v1/instances").json()["instances"]
    if len(entries) != 1:
        raise BenchmarkFailed(f"the server shows {len(entries)} machines instead of one")
    return f"/machines/{entries[0]['instance']}"


@contextmanager
def _live(environment: Mapping[str, str]) -> Iterator[None]:
    """A sample each second from a thread of its own. Raises BenchmarkFailed at the end when one was refused."""
    consent = active_consent(AgentPaths.from_environment(dict(environment)), time.time_ns() // 1_000_000)
    stop, failed = threading.Event(), list[str]()

    def send() -> None:
        try:
            with Line(consent) as line:
                sequence = LIVE_FROM
                while not stop.wait(1.0):
                    now_ms = time.time_ns() // 1_000_000
                    for body in pack(consent, SECOND, 1, now_ms + 1000, sequence):
                        line.post(body)
                    sequence += 1
        except BenchmarkFailed as error:
            failed.append(str(error))

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        stop.set()
        sender.join()
    if failed:
        raise BenchmarkFailed(failed[0])
