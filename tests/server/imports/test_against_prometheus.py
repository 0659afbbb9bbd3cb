"""The same node_exporter through Prometheus and through this server: PromQL's rates are the rows that are stored.

Real processes on loopback: Debian's node_exporter and Prometheus, and this server. Prometheus scrapes by a relay that
keeps the very texts it was answered, so that these can be imported at the very times that Prometheus gives them.
"""

import json
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.processes import BIN, WHO, clean_environment, free_port, healthy, running, until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        not (shutil.which("prometheus") and shutil.which("prometheus-node-exporter")),
        reason="Debian's prometheus and prometheus-node-exporter are not installed",
    ),
]

SCRAPES = 7
CONFIGURATION = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
- job_name: node
  static_configs: [{{targets: ["127.0.0.1:{port}"], labels: {{instance: ranged}}}}]
"""
COLLECTORS = [f"--collector.{name}" for name in ("cpu", "meminfo", "diskstats", "time")]
METRICS = (
    '{__name__=~"node_cpu_seconds_total|node_memory_(Mem|Swap)(Total|Available|Free)_bytes'
    '|node_disk_(read_bytes|written_bytes|reads_completed|writes_completed|io_time_seconds)_total"}'
)
SHARES = (
    "sum without (mode) (label_replace(irate(node_cpu_seconds_total[5s]), 'of', '$1', 'mode', '(?:soft)?(.*)'))"
    " / ignoring (of) group_left sum without (mode) (irate(node_cpu_seconds_total[5s]))"
)
DISK = {
    "read_bytes_per_second": "node_disk_read_bytes_total",
    "write_bytes_per_second": "node_disk_written_bytes_total",
    "reads_per_second": "node_disk_reads_completed_total",
    "writes_per_second": "node_disk_writes_completed_total",
    "busy": "node_disk_io_time_seconds_total",
}
#: What is stored is rounded to this many digits; an answer of PromQL is not.
DIGITS = {"read_bytes_per_second": 1, "write_bytes_per_second": 1, "reads_per_second": 2, "writes_per_second": 2}
MODES = ("user", "system", "nice", "iowait", "steal", "idle")
Row = dict[str, Any]
#: One for all: to make one takes longer than to ask.
CLIENT = httpx.Client(trust_env=False, timeout=20)


@dataclass
class Relay:
    """Between Prometheus and node_exporter: passes texts on and keeps them."""

    exporter: str
    texts: list[str] = field(default_factory=list)

    @contextmanager
    def serving(self) -> Iterator[int]:
        """The port it listens on."""
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # pylint: disable=invalid-name  # http.server's name
                text = CLIENT.get(relay.exporter).text
                relay.texts.append(text)
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *args: object) -> None:  # pylint: disable=redefined-builtin
                """Nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@dataclass
class Prometheus:
    """Its HTTP API."""

    url: str

    def ask(self, path: str, **parameters: object) -> bytes:
        answer = CLIENT.get(f"{self.url}/api/v1/{path}", params=parameters)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        return answer.content

    def result(self, path: str, **parameters: object) -> list[dict[str, Any]]:
        return list(json.loads(self.ask(path, **parameters))["data"]["result"])

    def at(self, query: str, time_ms: int) -> dict[str, float]:
        """Values at a moment by core or device."""
        found = self.result("query", query=query, time=time_ms / 1000)
        return {each["metric"].get("device") or each["metric"]["cpu"]: float(each["value"][1]) for each in found}

    def samples(self, query: str, part: str) -> list[tuple[int, float]]:
        """Every sample of one series as (ms, value)."""
        (series,) = self.result("query", query=f"{query}[10m]")
        assert part in ("", series["metric"].get("device"), series["metric"].get("cpu"))
        return [(round(stamp * 1000), float(value)) for stamp, value in series["values"]]

    def ready(self) -> bool:
        """Whether it has scraped twice."""
        try:
            return len(self.samples("node_time_seconds", "")) > 1
        except (httpx.TransportError, AssertionError, ValueError):
            return False


@dataclass
class Recorded:
    """What came of one run: Prometheus, and the rows of this server by machine and table."""

    prometheus: Prometheus
    rows: dict[tuple[str, str], list[Row]]


@contextmanager
def started(*command: str, log: Path) -> Iterator[None]:
    """A program that is ended by its id."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """Some seconds of this machine, by every way."""
    directory = tmp_path_factory.mktemp("against")
    node, port, ours = free_port(), free_port(), free_port()
    environment = clean_environment(SYSMETRIC_SERVER_DATA_DIR=str(directory / "server"))
    url = f"http://127.0.0.1:{ours}"

    def call(*arguments: str) -> None:
        command: list[str | Path] = [BIN / "sysmetric-server", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    with ExitStack() as stack:
        stack.callback(CLIENT.close)
        exporter = ("prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{node}")
        stack.enter_context(started(*exporter, "--collector.disable-defaults", *COLLECTORS, log=directory / "node.log"))
        relay = Relay(f"http://127.0.0.1:{node}/metrics")
        (directory / "prometheus.yml").write_text(CONFIGURATION.format(port=stack.enter_context(relay.serving())))
        stack.enter_context(
            started(
                *("prometheus", f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={directory / 'tsdb'}"),
                f"--config.file={directory / 'prometheus.yml'}",
                log=directory / "prometheus.log",
            )
        )
        call("init", "--no-input", *WHO, "--origin", url, "--listen", f"127.0.0.1:{ours}")
        stack.enter_context(running("sysmetric-server", "run", env=environment, log=directory / "server.log"))
        until("the server answers", lambda: healthy(url), 60)
        prometheus = Prometheus(f"http://127.0.0.1:{port}")
        until("Prometheus has scraped", prometheus.ready, 30)
        (directory / "load").write_bytes(bytes(4_000_000))
        call("scrape", f"http://127.0.0.1:{node}", "--every", "1s", "--count", str(SCRAPES), "--source", "scraped")
        ended = rows_of(url, "scraped", "memory")[-1]["time_ms"]
        until("Prometheus goes on", lambda: prometheus.samples("node_time_seconds", "")[-1][0] > ended, 20)
        write_files(directory, prometheus, relay.texts)
        call("import", str(directory / "texts.txt"), str(directory / "range.json"))
        names = [(name, table) for name in ("scraped", "texts", "ranged") for table in ("cpu", "memory", "disk")]
        yield Recorded(prometheus, {(name, table): rows_of(url, name, table) for name, table in names})


def write_files(directory: Path, prometheus: Prometheus, texts: list[str]) -> None:
    """What Prometheus was answered, at its times; and what it answers to a range, half way between its scrapes."""
    times = {value: stamp for stamp, value in prometheus.samples("node_time_seconds", "")}
    with (directory / "texts.txt").open("w") as file:
        for text in texts:
            clock = next(line for line in text.splitlines() if line.startswith("node_time_seconds "))
            stamp = times.get(float(clock.split()[1]))
            if stamp is not None:
                file.write(f'node_uname_info{{nodename="texts"}} 1\n{text}# scraped {stamp / 1000:.3f}\n')
    moments = sorted(times.values())
    whole = {"start": moments[0] / 1000 + 0.5, "end": moments[-1] / 1000, "step": 1}
    (directory / "range.json").write_bytes(prometheus.ask("query_range", query=METRICS, **whole))


def rows_of(url: str, name: str, table: str) -> list[Row]:
    """What the server has of a machine."""
    listed = CLIENT.get(f"{url}/api/v1/instances").json()["instances"]
    (instance,) = (each["instance"] for each in listed if each["name"] == name)
    asked: dict[str, str | int] = {"instance": instance, "table": table, "start": 0, "end": 2**43, "format": "ndjson"}
    answer = CLIENT.get(f"{url}/api/v1/rows", params=asked)
    assert answer.status_code == 200, answer.text
    lines = answer.text.splitlines()
    rows: list[Row] = [json.loads(line) for line in lines[1:-1]]
    for row in rows:
        row["time_ms"] = round(datetime.fromisoformat(row["time"]).timestamp() * 1000)
    return rows


@pytest.mark.parametrize("name", ["texts", "ranged"])
def test_shares_of_the_cpu_are_those_of_irate(recorded: Recorded, name: str) -> None:
    """Within the rounding of four digits: both divide the same two counters, and time falls out."""
    rows = recorded.rows[name, "cpu"]
    assert len({row["time_ms"] for row in rows}) >= SCRAPES - 1
    for row in rows:
        found = recorded.prometheus.result("query", query=SHARES, time=row["time_ms"] / 1000)
        shares = {each["metric"]["of"]: each["value"][1] for each in found if each["metric"]["cpu"] == str(row["core"])}
        for column, of in {**dict(zip(MODES, MODES, strict=True)), "interrupt": "irq"}.items():
            assert row[column] == pytest.approx(float(shares[of]), abs=0.6e-4), (column, row["time"])


def test_rates_of_disks_of_the_texts_are_those_of_irate(recorded: Recorded) -> None:
    """Within the rounding of one or two digits (four for busy): the texts stand at Prometheus's own times."""
    rows = recorded.rows["texts", "disk"]
    assert len(rows) >= SCRAPES - 1
    for row in rows:
        for column, metric in DISK.items():
            rate = recorded.prometheus.at(f"irate({metric}[5s])", row["time_ms"])[row["device"]]
            rate = min(1.0, rate) if column == "busy" else rate
            assert row[column] == pytest.approx(rate, abs=0.6 * 10 ** -DIGITS.get(column, 4)), (column, row["time"])


def test_rates_of_disks_of_a_range_are_those_of_irate(recorded: Recorded) -> None:
    """Within the same rounding, once the steps of the answer are taken for the distance of the two scrapes.

    An answer to a range has the times of its steps only, so what is a little more or less than a second between two
    scrapes is a second in it.
    """
    rows = recorded.rows["ranged", "disk"]
    assert len(rows) >= SCRAPES - 1
    scrapes = [stamp for stamp, _ in recorded.prometheus.samples("node_time_seconds", "")]
    memory = [row["time_ms"] for row in recorded.rows["ranged", "memory"]]
    for row in rows:
        now = row["time_ms"]
        last, before = [stamp for stamp in scrapes if stamp <= now][:-3:-1]
        stretch = (last - before) / (now - max(stamp for stamp in memory if stamp < now))
        for column, metric in DISK.items():
            rate = stretch * recorded.prometheus.at(f"irate({metric}[5s])", now)[row["device"]]
            rate = min(1.0, rate) if column == "busy" else rate
            assert row[column] == pytest.approx(rate, abs=0.6 * 10 ** -DIGITS.get(column, 4)), (column, row["time"])


@pytest.mark.parametrize("name", ["texts", "ranged"])
def test_memory_is_that_of_prometheus_to_the_byte(recorded: Recorded, name: str) -> None:
    rows = recorded.rows[name, "memory"]
    assert len(rows) >= SCRAPES
    for row in rows:
        found = {
            each["metric"]["__name__"]: int(each["value"][1])
            for each in recorded.prometheus.result("query", query=METRICS, time=row["time_ms"] / 1000)
            if each["metric"]["__name__"].startswith("node_memory")
        }
        assert row["total_bytes"] == found["node_memory_MemTotal_bytes"]
        assert row["available_bytes"] == found["node_memory_MemAvailable_bytes"]
        swap = found["node_memory_SwapTotal_bytes"] - found["node_memory_SwapFree_bytes"]
        assert (row["swap_total_bytes"], row["swap_used_bytes"]) == (found["node_memory_SwapTotal_bytes"], swap)


def around(samples: list[tuple[int, float]], time_ms: int) -> tuple[float, float]:
    """The counter before and after a moment: in between it was then."""
    return (
        max(value for stamp, value in samples if stamp <= time_ms),
        min(value for stamp, value in samples if stamp >= time_ms),
    )


def test_what_scrape_stored_lies_between_the_counters_of_prometheus(recorded: Recorded) -> None:
    """``scrape`` asks at times of its own: what it makes of the whole time is bounded by Prometheus's own around it."""
    rows = recorded.rows["scraped", "disk"]
    began = recorded.rows["scraped", "memory"][0]["time_ms"]
    for device in {row["device"] for row in rows}:
        own = [row for row in rows if row["device"] == device]
        assert len(own) >= SCRAPES - 3  # on a busy machine one may be late
        times = [began, *(row["time_ms"] for row in own)]
        for column, metric in DISK.items():
            samples = recorded.prometheus.samples(f'{metric}{{device="{device}"}}', device)
            first, last = around(samples, times[0]), around(samples, times[-1])
            grew = sum(row[column] * (now - then) / 1000 for row, then, now in zip(own, times, times[1:], strict=False))
            rounding = 10 ** -DIGITS.get(column, 4) * (times[-1] - times[0]) / 1000
            over = 0.05 * len(own) if column == "busy" else 0.0  # a share is cut at 1, the kernel's clock is not
            assert last[0] - first[1] - rounding - over <= grew <= last[1] - first[0] + rounding, column


def test_shares_that_scrape_stored_lie_between_the_counters_of_prometheus(recorded: Recorded) -> None:
    """A share is of the CPU time, the bounds are of the clock: the kernel counts CPU time in hundredths of a second."""
    rows = recorded.rows["scraped", "cpu"]
    began = recorded.rows["scraped", "memory"][0]["time_ms"]
    for core in {row["core"] for row in rows}:
        own = [row for row in rows if row["core"] == core]
        times = [began, *(row["time_ms"] for row in own)]
        for column in MODES:
            samples = recorded.prometheus.samples(f'node_cpu_seconds_total{{cpu="{core}",mode="{column}"}}', str(core))
            first, last = around(samples, times[0]), around(samples, times[-1])
            spent = sum(
                row[column] * (now - then) / 1000 for row, then, now in zip(own, times, times[1:], strict=False)
            )
            clock = 0.03 * (times[-1] - times[0]) / 1000
            assert last[0] - first[1] - clock <= spent <= last[1] - first[0] + clock, (core, column)
