"""``sysmetric run`` where it must not run. That it runs is tested with the loop."""

import json
from collections.abc import Callable

import pytest

from agent.clock import clock_ms
from agent.paths import AgentPaths
from agent.private_files import replace_private
from tests.agent.command_line import Sysmetric
from tests.agent.ingest import Ingest
from tests.consents import SignedConsent


@pytest.fixture(autouse=True)
def no_signal_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would stay behind in this process."""
    monkeypatch.setattr("agent.commands.run._end_on_signals", lambda _stop: None)


def test_without_consent_it_is_3_with_the_next_step_and_nothing_is_made(
    fresh: Sysmetric, unprepared: AgentPaths
) -> None:
    ended = fresh("run")
    assert ended.code == 3 and "sysmetric consent give URL" in ended.err
    assert not unprepared.data_dir.exists() and not unprepared.runtime_dir.exists()


def test_do_not_track_counts_also_after_a_yes(
    installed: Sysmetric,
    install: Callable[[SignedConsent], SignedConsent],
    signed_consent: Callable[..., SignedConsent],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(signed_consent(now_ms=clock_ms()))
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    for verb in ("run", "preview"):
        ended = installed(verb)
        assert ended.code == 3 and "DO_NOT_TRACK" in ended.err and not ended.out


def test_a_setting_that_is_wrong_is_2(installed: Sysmetric) -> None:
    ended = installed("run", "--period", "0.1")
    assert ended.code == 2 and "period_seconds (flag)" in ended.err


def test_a_withdrawal_that_waits_is_delivered_first_and_only(
    installed: Sysmetric,
    install: Callable[[SignedConsent], SignedConsent],
    signed_consent: Callable[..., SignedConsent],
    signed_withdrawal: Callable[..., str],
    signed_erasure: Callable[..., str],
    ingest: Ingest,
    paths: AgentPaths,
) -> None:
    consent = install(signed_consent(now_ms=clock_ms(), origin=ingest.url))
    withdrawal = signed_withdrawal(consent, clock_ms())
    replace_private(paths.withdrawal, withdrawal.encode(), durable=True)
    receipt = json.dumps({"erasure_receipt": signed_erasure(consent, withdrawal, clock_ms())}).encode()
    ingest.unsigned = [(200, {"Content-Type": "application/json"}, receipt)]
    ended = installed("run")
    assert ended.code == 0 and "delivered" in ended.err
    assert paths.erasure_receipt.exists() and not paths.key.exists() and not ingest.requests
    assert installed("run").code == 3
