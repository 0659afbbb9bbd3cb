"""``sysmetric-server scrape``: what is stored, what is told, and what is away and comes back."""

import json
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer

from consent.alias import alias_of
from server.commands.scrape import LONGEST_BACKOFF_SECONDS, MOST_WAITING, Run, _seconds
from server.commands.scrape_target import Target, TargetFailed, target_of
from server.errors import InvalidRequest, ServerUnreachable, StorageFull
from tests.processes import free_port, until
from tests.server.command_line import BIN, CommandLine, environment, running

INSTANCE = "0b9e7a53-5a8f-4d57-8d43-b2c2f6b9b3a7"


class Exporter:
    """A node_exporter of one core, whose counters go with the clock; ``broken`` makes it fail."""

    def __init__(self) -> None:
        self.requests = 0
        self.broken = False
        self.url = ""

    def text(self) -> str:
        """What it says now."""
        spent = time.monotonic()
        cpu = {"user": 0.25 * spent, "system": 0.0, "nice": 0.0, "idle": 0.75 * spent}
        memory = {"MemTotal": 1000, "MemAvailable": 600, "SwapTotal": 0, "SwapFree": 0}
        return "".join(
            [f'node_cpu_seconds_total{{cpu="0",mode="{mode}"}} {value}\n' for mode, value in cpu.items()]
            + [f"node_memory_{name}_bytes {value}\n" for name, value in memory.items()]
        )


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    """On loopback, until the test ends."""
    made = Exporter()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # pylint: disable=invalid-name  # http.server's name
            made.requests += 1
            self.send_response(500 if made.broken else 200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(made.text().encode())

        def log_message(self, format: str, *args: object) -> None:  # pylint: disable=redefined-builtin  # its name
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


class Desk:
    """In place of the server: keeps what is stored, or refuses."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.refused = ""
        self.stored: Counter[str] = Counter()

    @contextmanager
    def __call__(self) -> Iterator[tuple[Any, None]]:
        yield self.ask, None

    def ask(self, verb: str, *, source: str, tables: dict[str, Any]) -> dict[str, Any]:
        """One chunk."""
        assert verb == "import-rows"
        if source == self.refused:
            raise InvalidRequest("that is no name for an open server")
        if self.error is not None:
            raise self.error
        self.stored[source] += 1
        return {"rows": {name: len(columns["time"]) for name, columns in tables.items()}}


def targets(*names: str) -> list[Target]:
    """Of machines that nobody asks here."""
    return [target_of("http://127.0.0.1:1", name, False, False) for name in names]


@contextmanager
def scraping(data_dir: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """The command as a process of its own, ended at the end if it still runs."""
    command = [str(BIN), "scrape", *arguments]
    process = subprocess.Popen(
        command, env=environment(data_dir), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_every_scrape_is_a_line_of_json_that_counts_what_was_stored(either: CommandLine, exporter: Exporter) -> None:
    name = f"json-{free_port()}"
    said = either("scrape", exporter.url, "--source", name, "--every", "1s", "--count", "3", "--json")
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert (said.code, said.err) == (0, "")
    assert [line["rows"] for line in lines] == [{"memory": 1}, *[{"cpu": 1, "memory": 1}] * 2]
    assert [(line["source"], line["waiting"], line["error"]) for line in lines] == [(name, 0, None)] * 3
    assert name in either("instances", "list").out


def test_a_target_that_is_away_is_a_line_of_json_with_words(cli: CommandLine) -> None:
    said = cli("scrape", f"http://127.0.0.1:{free_port()}", "--count", "1", "--json")
    line = json.loads(said.out)
    assert said.code == 1 and line["rows"] == {} and "cannot be reached" in line["error"]


@pytest.mark.parametrize("name", [INSTANCE, alias_of(INSTANCE)])
def test_a_volunteers_name_ends_the_command(either: CommandLine, exporter: Exporter, name: str) -> None:
    said = either("scrape", exporter.url, "--source", name, "--every", "1s")
    assert said.code == 1 and "not asked any more" in said.err and exporter.requests == 1
    assert name not in either("instances", "list").out


@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_a_summary(cli: CommandLine, exporter: Exporter, number: signal.Signals) -> None:
    with scraping(cli.data_dir, exporter.url, "--source", "web1", "--every", "1s") as process:
        until("it has scraped twice", lambda: exporter.requests > 1, 60)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert out.startswith("scraped: ") and "cpu" in out


@pytest.mark.e2e
def test_a_target_that_is_away_and_back_is_told_once_each(cli: CommandLine, exporter: Exporter) -> None:
    with scraping(cli.data_dir, exporter.url, "--source", "web1", "--every", "1s") as process:
        until("it has scraped", lambda: exporter.requests > 0, 60)
        exporter.broken = True
        seen = exporter.requests
        until("it has failed twice", lambda: exporter.requests > seen + 1, 60)
        exporter.broken = False
        seen = exporter.requests
        until("it scrapes again", lambda: exporter.requests > seen + 1, 60)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    words = [line.removeprefix("web1: ") for line in err.splitlines()]
    assert words[0] == "answered with status 500; trying on" and words[1].startswith("answers again after ")
    assert words[2:] == [f"Failed: {words[1].split()[3]} times."]


@pytest.mark.e2e
def test_nothing_is_lost_when_the_server_stops_and_comes_back(cli: CommandLine, exporter: Exporter) -> None:
    """Without a server the command stores by itself, as every command does; the server comes back meanwhile."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        with running(cli.data_dir, url, "--listen", f"127.0.0.1:{port}"):
            process = stack.enter_context(scraping(cli.data_dir, exporter.url, "--source", "web1", "--every", "1s"))
            until("it scrapes", lambda: exporter.requests > 2, 60)
        seen = exporter.requests
        until("it goes on alone", lambda: exporter.requests > seen + 1, 60)
        with running(cli.data_dir, url, "--listen", f"127.0.0.1:{port}"):
            seen = exporter.requests
            until("it goes on with the server", lambda: exporter.requests > seen + 1, 60)
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    scrapes = int(out.split()[1])
    assert f"{scrapes} memory" in out and scrapes == exporter.requests


def test_a_target_that_is_away_is_asked_less_and_less_often(capsys: pytest.CaptureFixture[str]) -> None:
    (target,) = targets("web1")
    run = Run([target], 10.0, 1.0, False)
    waits = []
    for _ in range(12):
        run.take(target, 0, TargetFailed("cannot be reached"))
        waits.append(max(0.0, target.not_before - time.monotonic()))
    assert waits[:4] == pytest.approx([0, 15, 35, 75], abs=1)
    assert max(waits) == pytest.approx(LONGEST_BACKOFF_SECONDS - 5, abs=1)
    run.take(target, 0, Exporter().text())
    assert target.not_before == 0
    assert capsys.readouterr().err == (
        "web1: cannot be reached; trying on\nweb1: answers again after 12 failed times\n"
    )


@pytest.mark.parametrize("error", [ServerUnreachable("away"), StorageFull("full")])
def test_rows_wait_for_a_server_that_is_away(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    (target,) = targets("web1")
    run, desk = Run([target], 1.0, 1.0, False), Desk()
    desk.error = error
    for step in range(3):
        run.take(target, 1_790_000_000_000 + 1000 * step, Exporter().text())
        run.flush(desk)
    assert len(run.waiting) == 3 and not run.stored
    desk.error = None
    run.flush(desk)
    assert not run.waiting and desk.stored == {"web1": 3} and run.stored["memory"] == 3
    assert capsys.readouterr().err == f"Waiting: {error}\nThe server stores again.\n"


def test_rows_that_are_dropped_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    (target,) = targets("web1")
    run, desk = Run([target], 1.0, 1.0, False), Desk()
    desk.error = ServerUnreachable("away")
    for step in range(MOST_WAITING + 5):
        run.take(target, 1_790_000_000_000 + 1000 * step, Exporter().text())
        run.flush(desk)
    desk.error = None
    run.flush(desk)
    assert desk.stored == {"web1": MOST_WAITING}
    waiting, dropped, again = capsys.readouterr().err.splitlines()
    assert waiting == "Waiting: away" and "the oldest are dropped" in dropped
    assert again == "The server stores again; 5 scrapes were dropped."


def test_a_name_that_is_refused_ends_its_target_only(capsys: pytest.CaptureFixture[str]) -> None:
    one, two = targets("one", "two")
    run, desk = Run([one, two], 1.0, 1.0, False), Desk()
    desk.refused = "one"
    for step in range(2):
        for target in (one, two):
            run.take(target, 1_790_000_000_000 + 1000 * step, Exporter().text())
    run.flush(desk)
    assert (one.ended, two.ended, desk.stored, list(run.waiting)) == (True, False, {"two": 2}, [])
    assert capsys.readouterr().err == "one: that is no name for an open server; it is not asked any more\n"


@pytest.mark.parametrize(("text", "seconds"), [("1m", 60), ("15s", 15), ("15", 15)])
def test_times(text: str, seconds: float) -> None:
    assert _seconds(text) == seconds


@pytest.mark.parametrize("text", ["0s", "1d", "-1s", "11m", "", "s"])
def test_times_that_are_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        _seconds(text)
