"""``sysmetric status`` for people and for programs."""

from collections.abc import Callable

import pytest

from agent.ended import note_ended
from agent.lock import hold_lock
from agent.clock import clock_ms
from agent.paths import AgentPaths
from agent.pause import start_pause
from agent.private_files import replace_private
from agent.status import Status, StatusBoard
from tests.agent.command_line import Sysmetric
from tests.consents import DAY_MS, SignedConsent


@pytest.fixture
def consent(
    signed_consent: Callable[..., SignedConsent], install: Callable[[SignedConsent], SignedConsent]
) -> SignedConsent:
    return install(signed_consent(now_ms=clock_ms() - 1000, origin="https://example.org"))


def test_before_the_yes_it_says_how_to_begin_and_makes_nothing(fresh: Sysmetric, unprepared: AgentPaths) -> None:
    ended = fresh("status")
    assert ended.code == 0 and "sysmetric consent give URL" in ended.out
    document = fresh("status", "--json").json
    assert (document["consent"], document["running"], document["paused"]) == ("none", False, False)
    assert not unprepared.data_dir.exists() and not unprepared.runtime_dir.exists()


def test_while_the_agent_runs(installed: Sysmetric, consent: SignedConsent, paths: AgentPaths) -> None:
    now = clock_ms()
    status = Status(
        1, "running", consent.instance, consent.record.record_id, "https://example.org", now, now, {"cpu": 1.0}
    )
    StatusBoard(paths.status, status, clock_ms).change(
        samples_taken=30,
        batches_sent=3,
        rows_sent={"cpu": 240},
        bytes_sent=4096,
        last_ack_ms=now - 4000,
        last_latency_ms=12.5,
        spool_batches=7,
        spool_bytes=900,
        batches_dropped=2,
        skew_ms=-90_000,
        next_try_ms=now + 60_000,
        problem="unavailable",
        problem_detail="no answer in time",
        problem_ms=now,
        troubles={"memory": "memory cannot be read"},
    )
    with hold_lock(paths.lock):
        document = installed("status", "--json").json
        words = installed("status").out
    assert document["running"] and document["state"] == "running" and document["consent"] == "given"
    assert (document["samples_taken"], document["batches_sent"], document["spool_batches"]) == (30, 3, 7)
    assert document["last_latency_ms"] == 12.5
    for expected in (
        "runs (process",
        "3 batches (cpu 240)",
        "12.5 ms",
        "7 batches",
        "2 dropped",
        "-90.0 s",
        "no answer in time",
        "memory cannot be read",
    ):
        assert expected in words
    killed = installed("status", "--json").json
    assert not killed["running"] and killed["state"] == "stopped", "an agent that was killed could not say so"


def test_a_pause_shows(installed: Sysmetric, consent: SignedConsent, paths: AgentPaths) -> None:
    until = clock_ms() + 3_600_000
    start_pause(paths, until)
    assert installed("status", "--json").json["paused_until_ms"] == until
    assert "Paused" in installed("status").out and "sysmetric resume" in installed("status").out
    start_pause(paths, None)
    document = installed("status", "--json").json
    assert document["paused"] and document["paused_until_ms"] is None and consent.instance


def test_where_the_consent_stands(
    installed: Sysmetric,
    signed_consent: Callable[..., SignedConsent],
    install: Callable[[SignedConsent], SignedConsent],
    signed_withdrawal: Callable[..., str],
    paths: AgentPaths,
) -> None:
    consent = install(signed_consent(now_ms=clock_ms() - 2 * DAY_MS, term_days=1))
    assert installed("status", "--json").json["consent"] == "expired"
    note_ended(paths, consent.active, "withdrawn elsewhere", 1)
    assert installed("status", "--json").json["consent"] == "ended"
    replace_private(paths.withdrawal, signed_withdrawal(consent).encode(), durable=False)
    assert installed("status", "--json").json["consent"] == "withdrawn"
    assert "sysmetric consent revoke" in installed("status").out
