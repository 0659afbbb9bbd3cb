"""``make demo``: the whole product on this machine, over loopback, leaving nothing behind.

Rules:

* It only starts the two programs and asks them things, as a person at a terminal would; it shares no code with them.
* Everything lives in one temporary directory that is removed at the end, keys included.
* On a terminal the agent's real prompt asks. Without one it takes the unattended path, which says so in the record.
* A "no" is an answer: the server goes on with the imported recording, nothing of this machine is sampled.
* Ctrl-C stops agent, then server, each by SIGTERM, and ends with a summary and exit code 0.
"""

import argparse
import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess  # nosec: starts only the two programs beside this interpreter
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

HERE = Path(sys.executable).parent
RECORDING = Path(__file__).parent.parent / "server" / "imports" / "sample"
NO_CONSENT = 3


class DemoFailed(Exception):
    """A step did not work; the message is one sentence."""


class Demo:
    """One run: a directory, two processes and the questions asked of them."""

    def __init__(self, directory: Path, console: Console) -> None:
        self.directory = directory
        self.console = console
        self.url = f"http://127.0.0.1:{_free_port()}"
        settings = {
            "SYSMETRIC_SERVER_DATA_DIR": str(directory / "server"),
            "SYSMETRIC_DATA_DIR": str(directory / "agent"),
            "SYSMETRIC_CONFIG_DIR": str(directory / "agent-config"),
            "SYSMETRIC_RUNTIME_DIR": str(directory / "agent-runtime"),
            "PATH": f"{HERE}{os.pathsep}{os.environ.get('PATH', '')}",
        }
        self.environment = {**os.environ, **settings}
        self.shell = directory / "shell"
        self.shell.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in settings.items()))

    def call(self, program: str, *arguments: str) -> Any:
        """What ``program ... --json`` prints. Raises DemoFailed with the last line of its messages."""
        done = subprocess.run(
            [HERE / program, *arguments, "--json"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise DemoFailed(f"{program} {' '.join(arguments[:2])} ended with {done.returncode}: {' '.join(said[-3:])}")
        return json.loads(done.stdout)

    def attended(self, *arguments: str) -> int:
        """Run the agent on this terminal and return its exit code."""
        return subprocess.run([HERE / "sysmetric", *arguments], env=self.environment, check=False).returncode

    @contextlib.contextmanager
    def running(self, program: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """``program`` in the background, its messages in a log; SIGTERM at the end, SIGKILL if it does not heed it."""
        log = self.directory / f"{program}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [HERE / program, *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches this script, which then stops the two in order
            )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def wait_for(self, what: str, ready: Callable[[], bool], process: subprocess.Popen[bytes], seconds: float) -> None:
        """Until ``ready``; raises DemoFailed when the process ends or the time is up."""
        program = Path(str(process.args[0])).name if isinstance(process.args, list) else ""
        deadline = time.monotonic() + seconds
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                log = (self.directory / f"{program}.log").read_text("utf-8", "replace").strip().splitlines()
                raise DemoFailed(f"{what} did not happen. {program} said: {' / '.join(log[-4:]) or 'nothing'}")
            time.sleep(0.1)

    def healthy(self) -> bool:
        """Whether the server answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def acknowledged(self) -> bool:
        """Whether the server has acknowledged a batch of this machine."""
        return bool(self.call("sysmetric", "status").get("batches_sent"))

    def enrol(self, link: str) -> bool:
        """Ask for consent; False means no."""
        if sys.stdin.isatty() and sys.stdout.isatty():
            return self._answered(self.attended("consent", "give", link))
        self.console.print("No terminal: enrolling through the unattended path; the record will say so.")
        notice = self.call("sysmetric", "consent", "notice", link)
        grants = [flag for table in ("cpu", "memory", "disk") for flag in ("--grant", table)]
        return self._answered(self.attended("consent", "give", link, "--accept-notice", notice["sha256"], *grants))

    def _answered(self, code: int) -> bool:
        if code not in (0, NO_CONSENT):
            raise DemoFailed(f"sysmetric consent give ended with {code}")
        return code == 0


def main() -> int:
    """Run the demo; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--duration", type=float, help="end by itself after so many seconds of sampling")
    arguments = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="sysmetric-demo-") as name:
        try:
            _run(Demo(Path(name), console), arguments.duration)
        except DemoFailed as error:
            Console(stderr=True, highlight=False, soft_wrap=True).print(f"The demo stopped: {error}", markup=False)
            return 1
        except KeyboardInterrupt:
            console.print("\nStopped before it began; nothing is left behind.")
            return 130
    return 0


def _run(demo: Demo, duration: float | None) -> None:
    console = demo.console
    console.print("Starting a server and importing a recording ...")
    address = demo.url.removeprefix("http://")
    made = demo.call(
        *("sysmetric-server", "init", "--no-input", "--name", "Demo operator", "--address", "this machine"),
        *("--contact", "you, at this keyboard", "--origin", demo.url, "--listen", address),
    )
    with demo.running("sysmetric-server", "run") as server:
        demo.wait_for("The start of the server", demo.healthy, server, 30)
        console.print(f"Server on {demo.url} with the embedded store, data in {demo.directory} until the end.")
        imported = demo.call("sysmetric-server", "import", *_recordings(), "--shift-to-now")
        console.print(f"Imported a recording of open servers: {sum(imported['rows'].values()):,} rows.\n")
        if demo.enrol(made["enrolment_url"]):
            with demo.running("sysmetric", "run", "--period", "1") as agent:
                demo.wait_for("The first acknowledged batch", demo.acknowledged, agent, 40)
                _show(demo, demo.call("sysmetric", "dashboard")["url"])
                _wait(duration)
        else:
            console.print("\nYou said no: nothing of this machine is sampled. The page shows the open servers only.")
            _show(demo, None)
            _wait(duration)
        _summary(demo)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _recordings() -> list[str]:
    return [str(path) for path in sorted(RECORDING.iterdir()) if ".json" in path.name]


def _show(demo: Demo, volunteer: str | None) -> None:
    links = Table.grid(padding=(0, 2))
    links.add_row("Dashboard", demo.url)
    if volunteer:
        links.add_row("Yours, once", volunteer)
    links.add_row("Operator's, once", demo.call("sysmetric-server", "link")["url"])
    demo.console.print(Panel(links, title="Open in a browser", title_align="left", expand=False))
    demo.console.print(f"Try more in another terminal:  . {demo.shell}; sysmetric watch", markup=False)
    demo.console.print("Ctrl-C stops agent and server and removes everything.")


def _wait(duration: float | None) -> None:
    deadline = None if duration is None else time.monotonic() + duration
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how a person ends the demo
        while deadline is None or time.monotonic() < deadline:
            time.sleep(0.2)


def _summary(demo: Demo) -> None:
    stats = demo.call("sysmetric-server", "stats")
    status = demo.call("sysmetric", "status")
    table = Table(title="What happened", title_justify="left", show_header=False)
    table.add_column("")
    table.add_column("", justify="right")
    for name, rows in stats["rows"].items():
        table.add_row(f"rows stored in {name}", f"{rows:,}")
    table.add_row("batches of this machine acknowledged", f"{status.get('batches_sent') or 0:,}")
    latency = status.get("last_latency_ms")
    table.add_row("last latency, sending to acknowledged", "-" if latency is None else f"{latency:.0f} ms")
    demo.console.print(table)


if __name__ == "__main__":
    sys.exit(main())
