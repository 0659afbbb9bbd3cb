"""``sysmetric watch``: what it shows in every size of window, and when it stops reading."""

import dataclasses
import io
from collections.abc import Callable

import pytest
from rich.console import Console

from agent.errors import NoConsent
from agent.history import History
from agent.paths import AgentPaths
from agent.pause import end_pause, start_pause
from agent.private_files import replace_private
from agent.status import Status
from agent.watch import Clocks, Watch, show
from agent.watch_view import Scene, picture
from consent.wire import Columns
from tests.consents import DAY_MS, NOW_MS, SignedConsent

Install = Callable[[SignedConsent], SignedConsent]
Sign = Callable[..., SignedConsent]
STATUS = Status(
    pid=1,
    state="running",
    instance="i",
    record="r",
    server="https://metrics.example.org",
    started_ms=NOW_MS,
    updated_ms=NOW_MS,
    periods={"cpu": 1.0},
    batches_sent=1234,
    rows_sent={"cpu": 5},
    bytes_sent=2048,
    last_ack_ms=NOW_MS - 3000,
    last_latency_ms=38.0,
)


def beat(cores: int = 4, disks: int = 1) -> dict[str, Columns]:
    time = [0] * cores
    return {
        "cpu": {
            "time": time,
            "core": list(range(cores)),
            "user": [0.5] * cores,
            "system": [0.1] * cores,
            "nice": [0.0] * cores,
            "iowait": [0.0] * cores,
            "interrupt": [None] * cores,
            "steal": [None] * cores,
            "idle": [0.4] * cores,
        },
        "memory": {
            "time": [0],
            "total_bytes": [16 << 30],
            "available_bytes": [12 << 30],
            "used_bytes": [3 << 30],
            "swap_total_bytes": [0],
            "swap_used_bytes": [0],
        },
        "disk": {
            "time": [0] * disks,
            "device": [f"disk{number}" for number in range(disks)],
            "read_bytes_per_second": [1.5e6] * disks,
            "write_bytes_per_second": [2e3] * disks,
            "reads_per_second": [1.0] * disks,
            "writes_per_second": [1.0] * disks,
            "busy": [None] * disks,
        },
    }


def scene(
    *, status: Status | None = STATUS, granted: tuple[str, ...] = ("cpu", "memory", "disk"), paused: bool = False
) -> Scene:
    return Scene(
        alias="brave-otter-42",
        server="https://metrics.example.org",
        until="2027-09-21",
        granted=dict.fromkeys(granted, 1),
        status=status,
        running=status is not None,
        paused=paused,
        now_ms=NOW_MS,
    )


def shown(history: History, what: Scene, width: int, height: int, **console: object) -> list[str]:
    target = Console(width=width, height=height, file=io.StringIO(), _environ={}, **console)  # type: ignore[arg-type]
    with target.capture() as capture:
        target.print(picture(history, what, width, height))
    return capture.get().splitlines()


@pytest.mark.parametrize(("cores", "disks"), [(1, 0), (2, 1), (16, 3), (64, 9), (256, 1)])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (140, 40), (60, 20), (200, 60)])
def test_it_fits_the_window(width: int, height: int, cores: int, disks: int) -> None:
    history = History()
    for _ in range(300):
        history.add(beat(cores, disks))
    for what in (scene(), scene(status=None), scene(granted=("memory",)), scene(paused=True)):
        lines = shown(history, what, width, height)
        assert len(lines) <= height, "\n".join(lines)
        assert all(len(line) <= width for line in lines)


def test_what_it_says() -> None:
    history = History()
    history.add(beat())
    text = "\n".join(shown(history, scene(), 140, 40))
    for needed in (
        "brave-otter-42",
        "2027-09-21",
        "60 %",
        "4.0 GiB of 16.0 GiB",
        "none set up",
        "disk0",
        "1.5 MB/s",
        "2.0 kB/s",
        "1,234 batches",
        "last confirmed 3 s ago in 38 ms",
        "waiting nothing",
        "sends nothing",
    ):
        assert needed in text, needed


def test_what_was_not_granted_is_named_and_empty() -> None:
    text = "\n".join(shown(History(), scene(granted=("cpu",)), 80, 24))
    assert "memory was not granted, so nothing of it is read" in text
    assert "disk was not granted, so nothing of it is read" in text


def test_without_colours_nothing_is_lost() -> None:
    history = History()
    history.add(beat())
    plain = shown(history, scene(), 100, 30, no_color=True, force_terminal=True)
    assert not any("\x1b[3" in line or "\x1b[4" in line for line in plain)
    assert any("━" in line for line in plain) and any("█" in line or "▅" in line for line in plain)


def test_a_problem_of_the_agent_is_shown_as_text() -> None:

    status = dataclasses.replace(STATUS, state="away", problem="unavailable", problem_detail="\x1b[2Jx [bold]")
    text = "\n".join(shown(History(), scene(status=status), 100, 30))
    assert "● away" in text and "unavailable: x [bold]" in text and "\x1b[2J" not in text


def test_no_agent_says_how_to_start_it() -> None:
    assert "sysmetric run" in "\n".join(shown(History(), scene(status=None), 80, 24))


def test_history_is_bounded() -> None:
    history = History()
    for _ in range(2000):
        history.add(beat())
    assert len(history.cpu) == len(history.cores[0].busy) == len(history.disks["disk0"].read) == 512


class TestWindow:
    def test_it_reads_what_was_granted_and_nothing_else(
        self, paths: AgentPaths, install: Install, signed_consent: Sign
    ) -> None:
        consent = install(signed_consent(granted=["memory"]))
        watch = Watch(paths, consent.active, Clocks(lambda: NOW_MS, lambda: 1.0))
        watch.read()
        assert watch.history.memory["total_bytes"] > 0
        assert not watch.history.cores and not watch.history.disks
        assert watch.scene().status is None and not watch.scene().running

    def test_a_pause_is_kept(self, paths: AgentPaths, install: Install, signed_consent: Sign) -> None:
        consent = install(signed_consent(granted=["memory"]))
        start_pause(paths, None)
        watch = Watch(paths, consent.active, Clocks(lambda: NOW_MS, lambda: 1.0))
        watch.read()
        assert not watch.history.memory and watch.scene().paused and watch.wait_seconds() == 1.0
        end_pause(paths)
        watch.read()
        assert watch.history.memory

    def test_a_withdrawal_and_the_end_stop_it(self, paths: AgentPaths, install: Install, signed_consent: Sign) -> None:
        consent = install(signed_consent(granted=["memory"], term_days=1))
        watch = Watch(paths, consent.active, Clocks(lambda: NOW_MS + DAY_MS, lambda: 1.0))
        with pytest.raises(NoConsent, match="expired"):
            watch.read()
        watch = Watch(paths, consent.active, Clocks(lambda: NOW_MS, lambda: 1.0))
        replace_private(paths.withdrawal, b"withdrawn", durable=False)
        with pytest.raises(NoConsent, match="withdrawn"):
            watch.read()
        assert not watch.history.memory

    @pytest.mark.parametrize("key", ["q", "Q", "\x1b"])
    def test_a_key_leaves(self, paths: AgentPaths, install: Install, signed_consent: Sign, key: str) -> None:
        consent = install(signed_consent(granted=["memory"]))
        keys = iter([None, "x", key])
        console = Console(file=io.StringIO(), force_terminal=True, width=80, height=24, _environ={})
        show(Watch(paths, consent.active, Clocks(lambda: NOW_MS, lambda: 1.0)), console, lambda _: next(keys))
        assert next(keys, "all used") == "all used"
