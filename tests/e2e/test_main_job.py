"""The main job, end to end, in real processes and a real browser: from the prompt to the chart, and back again."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from consent.alias import alias_of
from tests.e2e.ceremony import Ceremony
from tests.e2e.conftest import SCREENSHOTS, Operator, Volunteer
from tests.e2e.dashboards import Watched
from tests.processes import until

pytestmark = pytest.mark.e2e


def _samples_sent(volunteer: Volunteer) -> int:
    return int(volunteer.call("status").get("batches_sent") or 0)


def _granted(record: dict[str, Any]) -> list[str]:
    return [entry["table"] for entry in record["processing"] if entry["granted"]]


def _bytes_with(directory: Path, *needles: str) -> list[str]:
    found = []
    for path in directory.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            found += [f"{path.name}: {needle}" for needle in needles if needle.encode() in content]
    return found


def test_from_the_prompt_to_the_chart_and_back(operator: Operator, volunteer: Volunteer, browser: Browser) -> None:
    ceremony = Ceremony(operator.enrolment_url, volunteer.environment)
    ceremony.read_and_go_on()
    ceremony.choose(cpu="y", memory="y", disk="")
    ceremony.term("4")
    ceremony.answer_questions()
    ceremony.sign()
    assert ceremony.exit_code() == 0

    record = volunteer.call("consent", "show")["record"]
    instance = record["instance_id"]
    assert _granted(record) == ["cpu", "memory"]
    assert record["ceremony"]["method"] == "prompt" and record["ceremony"]["quiz"] == "passed"
    assert volunteer.sysmetric("consent", "verify").returncode == 0

    agent = volunteer.run("--period", "1", "--batch", "2")
    until("a batch is acknowledged", lambda: _samples_sent(volunteer) >= 2, 30)
    rows = operator.call("stats")["rows"]
    assert rows["cpu"] > 0 and rows["memory"] > 0 and rows["disk"] == 0, "a table that was refused is never sampled"

    watched = Watched(browser)
    page = watched.enter(volunteer.call("dashboard")["url"])
    page.wait_for_selector("canvas")
    assert page.get_by_text(alias_of(instance)).first.is_visible()
    drawn = "document.querySelector('canvas').toDataURL()"
    before = page.evaluate(drawn)
    page.wait_for_function(f"before => {drawn} !== before", arg=before, timeout=15_000)
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "main-job-volunteer.png", full_page=True)
    assert watched.hosts == {f"127.0.0.1:{operator.port}"}, "no request leaves the host"
    assert not watched.complaints, "the console is clean"

    revoked = volunteer.sysmetric("consent", "revoke")
    assert revoked.returncode == 0, revoked.stderr
    assert agent.wait(timeout=20) == 0, "the running agent ends by itself, as it was asked to"
    gone = operator.call("stats")["rows"]
    assert not any(gone.values())
    erasure = volunteer.call("consent", "receipt")
    assert erasure["erasure_receipt"]["rows"]["cpu"] > 0
    assert not (volunteer.data_dir / "key.pem").exists()

    page.reload()
    assert page.get_by_text(alias_of(instance)).count() == 0, "the page does not know the machine any more"
    page.context.close()
    raw = instance.replace("-", "")
    assert not _bytes_with(operator.data_dir, instance, raw, alias_of(instance))
    operator.stop()
    assert not _bytes_with(operator.data_dir, instance, raw, alias_of(instance))
    assert not any(bytes.fromhex(raw) in path.read_bytes() for path in operator.data_dir.rglob("*") if path.is_file())


def test_unattended_enrolment_says_so_and_a_wrong_hash_is_a_no(shared_operator: Operator, volunteer: Volunteer) -> None:
    wrong = volunteer.sysmetric(
        "consent", "give", shared_operator.enrolment_url, "--accept-notice", "0" * 64, "--grant", "cpu"
    )
    assert wrong.returncode == 3
    assert not volunteer.files()
    volunteer.enrol(shared_operator.invite(), "memory")
    record = volunteer.call("consent", "show")["record"]
    assert _granted(record) == ["memory"]
    assert record["ceremony"] == {"method": "unattended", "tty": False, "seconds": 0, "quiz": "not-asked"}


def test_the_server_away_loses_nothing(shared_operator: Operator, volunteer: Volunteer) -> None:
    volunteer.enrol(shared_operator.invite(), "memory")
    volunteer.run("--period", "1", "--batch", "1")
    until("a batch is acknowledged", lambda: _samples_sent(volunteer) >= 1, 30)
    shared_operator.stop()
    until("batches wait in the spool", lambda: volunteer.call("status")["spool_batches"] >= 3, 30)
    shared_operator.run()
    until("the spool is empty again", lambda: volunteer.call("status")["spool_batches"] == 0, 60)
    exported = [row["time"] for row in volunteer.call("data", "export") if row["table"] == "memory"]
    gaps = [later - earlier for earlier, later in zip(exported, exported[1:], strict=False)]
    assert max(gaps) < 2_500, "a sample per second, without a hole where the server was away"


def test_sigterm_flushes_what_was_sampled(shared_operator: Operator, volunteer: Volunteer) -> None:
    volunteer.enrol(shared_operator.invite(), "memory")
    before = shared_operator.call("stats")["rows"]["memory"]
    agent = volunteer.run("--period", "1", "--batch", "600")
    until("the agent samples", lambda: volunteer.sysmetric("status").returncode == 0)
    until("the agent runs", lambda: volunteer.call("status")["running"], 20)
    until("it has sampled twice", lambda: (volunteer.call("status").get("samples_taken") or 0) >= 2 or None, 30)
    agent.terminate()
    assert agent.wait(timeout=20) == 0
    assert shared_operator.call("stats")["rows"]["memory"] >= before + 2
