"""``sysmetric pause`` and ``resume``."""

from collections.abc import Callable

from agent.clock import clock_ms
from agent.paths import AgentPaths
from agent.pause import Pause, read_pause
from tests.agent.command_line import Sysmetric
from tests.consents import SignedConsent


def test_pause_and_resume(
    installed: Sysmetric,
    install: Callable[[SignedConsent], SignedConsent],
    signed_consent: Callable[..., SignedConsent],
    paths: AgentPaths,
) -> None:
    install(signed_consent(now_ms=clock_ms()))
    before = clock_ms()
    assert installed("pause", "--for", "2h").code == 0
    pause = read_pause(paths, before)
    assert pause is not None and pause.until_ms is not None
    assert before + 7_200_000 <= pause.until_ms <= clock_ms() + 7_200_000
    assert installed("pause").code == 0
    assert read_pause(paths, before) == Pause(None)
    assert installed("resume").code == 0
    assert read_pause(paths, before) is None
    wrong = installed("pause", "--for", "a while")
    assert wrong.code == 2 and "30m" in wrong.err


def test_without_consent_there_is_nothing_to_pause(fresh: Sysmetric, unprepared: AgentPaths) -> None:
    assert fresh("pause").code == 3 and fresh("resume").code == 3
    assert not unprepared.data_dir.exists()
