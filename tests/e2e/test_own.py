"""A lost machine, a volunteer's own page and a pause: real agent, real server, real browser."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from consent.chain import Documents, verify_chain
from tests.e2e.conftest import SCREENSHOTS, Operator, Volunteer
from tests.processes import until

pytestmark = pytest.mark.e2e


def _give(operator: Operator, volunteer: Volunteer, *tables: str) -> str:
    """Agree without a terminal; the withdrawal code."""
    sha256 = volunteer.call("consent", "notice", operator.enrolment_url)["sha256"]
    grants = [flag for table in tables for flag in ("--grant", table)]
    given = volunteer.call("consent", "give", operator.enrolment_url, "--accept-notice", sha256, *grants)
    assert given["withdrawal_url"] == f"{operator.url}/withdraw"
    return str(given["withdrawal_code"])


def _open(browser: Browser, *, script: bool = True, width: int = 1440, **options: Any) -> tuple[Page, list[str]]:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, java_script_enabled=script, accept_downloads=True, **options
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, complaints


def _fits(page: Page) -> bool:
    """Nothing of the page's own part is wider than the screen; what scrolls by itself may be."""
    wide = page.evaluate(
        "[...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll')"
        " && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + '.' + e.className)"
    )
    assert not wide, wide
    return True


def _download(page: Page, name: str) -> str:
    with page.expect_download() as started:
        page.get_by_label(f"Download {name}.jws").click()
    return Path(started.value.path()).read_text("ascii")


def test_a_lost_machine_is_withdrawn_with_the_code(operator: Operator, volunteer: Volunteer, browser: Browser) -> None:
    code = _give(operator, volunteer, "cpu", "memory")
    assert volunteer.call("consent", "show")["withdrawal_code_made"]
    assert not [path for path in volunteer.files() if code in path.read_text("utf-8", "replace")]
    agent = volunteer.run("--period", "1", "--batch", "1")
    until("samples are stored", lambda: operator.call("stats")["rows"]["memory"] >= 2, 30)
    kept = volunteer.directory / "kept"
    shutil.copytree(volunteer.data_dir, kept)

    page, complaints = _open(browser, script=False)
    page.goto(f"{operator.url}/withdraw?lang=en")
    page.get_by_label("Withdrawal code").fill(code[:-1] + ("A" if code[-1] != "A" else "B"))
    page.get_by_role("button", name="Withdraw and erase").click()
    assert "typing mistake" in page.get_by_role("alert").inner_text()
    page.get_by_label("Withdrawal code").fill(code.lower().replace("-", " "))
    page.get_by_role("button", name="Withdraw and erase").click()
    page.wait_for_selector("#withdrawn")
    assert not any(operator.call("stats")["rows"].values())
    names = ("notice", "record", "receipt", "withdrawal", "erasure-receipt")
    chain = verify_chain(Documents(*(_download(page, name) for name in names)))
    assert chain.erasure_receipt is not None and chain.erasure_receipt.rows["memory"] >= 2
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "withdrawn.png", full_page=True)
    assert not [said for said in complaints if "422" not in said]
    page.context.close()

    assert agent.wait(timeout=30) == 5, "the machine learns it at its next batch, and stops for good"
    assert not (volunteer.data_dir / "spool.sqlite3").exists()
    assert volunteer.call("consent", "show")["state"] == "ended"
    log = (operator.directory / "server.log").read_bytes()
    everything = log + b"".join(path.read_bytes() for path in operator.data_dir.rglob("*") if path.is_file())
    for secret in (code, code.replace("-", ""), chain.record.instance_id):
        assert secret.encode() not in everything


def test_the_volunteers_page_and_a_pause(operator: Operator, volunteer: Volunteer, browser: Browser) -> None:
    _give(operator, volunteer, "memory", "disk")
    volunteer.run("--period", "1", "--batch", "1")
    until("samples are stored", lambda: operator.call("stats")["rows"]["memory"] >= 3, 30)
    assert volunteer.sysmetric("pause").returncode == 0
    instance = volunteer.call("consent", "show")["record"]["instance_id"]

    for theme, width in (("light", 1440), ("dark", 375)):
        page, complaints = _open(browser, width=width)
        page.goto(volunteer.call("dashboard")["url"])
        page.locator("form button").first.click()
        page.wait_for_url("**/machines/**")
        complaints.clear()  # the charts have tests of their own
        page.goto(f"{operator.url}/own?lang=en&theme={theme}")
        assert page.get_by_role("heading", name="My data").is_visible()
        assert "no, never collected" in page.locator("[data-granted=no]").inner_text()
        assert _fits(page)
        page.screenshot(path=SCREENSHOTS / f"own-{theme}-{width}.png", full_page=True)
        assert not complaints
        if width == 1440:
            record = _download(page, "record")
            assert record == (volunteer.data_dir / "record.jws").read_text("ascii")

            def told(shown: Page = page) -> bool:
                answer = shown.request.get(f"{operator.url}/api/v1/gaps?instance={instance}&start=0&end=9000000000000")
                return [gap["reason"] for gap in answer.json()["gaps"]] == ["paused"]

            until("the pause is a gap with its reason", told, 60)
        page.goto(f"{operator.url}/withdraw?lang=pl&theme={theme}")
        assert page.get_by_label("Kod wycofania").is_visible() and _fits(page)
        page.screenshot(path=SCREENSHOTS / f"withdraw-{theme}-{width}.png", full_page=True)
        page.context.close()
    assert volunteer.sysmetric("resume").returncode == 0
