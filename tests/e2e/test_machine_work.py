"""What the page of one machine paints and does, and what it leaves alone; watched from inside the browser."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from consent.alias import alias_of
from server.clock import clock_ms
from tests.e2e.dashboards import Dashboard, Watched, dashboard

pytestmark = pytest.mark.e2e

MINUTE = 60_000
#: Keeps the words that are painted on any canvas, and counts what is painted at all.
SPY = """
  window.painted = { words: new Set(), strokes: 0 };
  const { fillText, clearRect, fillRect } = CanvasRenderingContext2D.prototype;
  Object.assign(CanvasRenderingContext2D.prototype, {
    fillText(words, ...rest) { painted.words.add(words); return fillText.call(this, words, ...rest); },
    clearRect(...rest) { painted.strokes += 1; return clearRect.call(this, ...rest); },
    fillRect(...rest) { painted.strokes += 1; return fillRect.call(this, ...rest); },
  });
"""
QUIET_MS = 2500  # the proof that nothing happens takes its time


@dataclass
class Served:
    """An open server that everybody sees: paused from 10 to 8 minutes ago, silent from 5 to 4."""

    dashboard: Dashboard
    machine: str
    now: int

    def path(self, query: str) -> str:
        return f"{self.dashboard.url}/machines/{self.machine}?{query}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    # pylint: disable-next=contextmanager-generator-missing-cleanup  # dashboard() cleans up in a finally
    with dashboard(tmp_path_factory.mktemp("work")) as made:
        now = clock_ms() // 1000 * 1000
        machine = made.runtime.registry.source_instance("build.example.org")
        times = range(now - 15 * MINUTE, now, 1000)
        made.put(machine, [at for at in times if (now - at - 1) // MINUTE not in (8, 9, 4)])
        made.runtime.registry.note_pause(machine, now - 10 * MINUTE, now - 8 * MINUTE)
        yield Served(made, machine, now)


@pytest.fixture
def page(watched: Watched, served: Served) -> Page:
    """The fifteen minutes of the samples, and no more: nothing moves by itself."""
    watched.page.add_init_script(SPY)
    watched.page.goto(served.path(f"from={served.now - 15 * MINUTE}&to={served.now}"))
    expect(step(watched.page)).to_have_text("each point = 2 s")
    watched.page.wait_for_load_state("networkidle")
    return watched.page


def step(page: Page, panel: str = "cpu") -> Any:
    return page.locator(f"[data-panel={panel}] [data-role=step]")


def cells(page: Page, panel: str, line: str) -> list[str]:
    """The numbers of one line: under the crosshair or newest, mean, median, p95, min, max."""
    row = page.locator(f"[data-panel={panel}] .stats tbody tr", has=page.locator(".line", has_text=line)).first
    return [str(text) for text in row.get_by_role("cell").all_inner_texts()]


def window(page: Page) -> tuple[int, int]:
    query = parse_qs(urlsplit(page.url).query)
    return int(query["from"][0]), int(query["to"][0])


def test_gaps_are_named_in_the_chart_and_in_the_table(page: Page) -> None:
    words = set(page.evaluate("[...painted.words]"))
    assert {"paused", "offline"} <= words
    memory = page.locator("[data-panel=memory]")
    memory.get_by_text("Show as table").click()
    expect(memory.locator(".values .gap")).to_have_text(
        [re.compile("^no samples: offline, (1 min|59 s|61 s)$"), "no samples: paused, 2 min"]
    )


def test_a_gap_is_hatched(page: Page) -> None:
    script = """share => {
        const canvas = document.querySelector("[data-panel=throughput] .uplot canvas");
        const over = document.querySelector("[data-panel=throughput] .u-over");
        const ratio = canvas.width / canvas.clientWidth;
        const pen = new OffscreenCanvas(24, 12).getContext("2d", { willReadFrequently: true });
        const [left, top] = [over.offsetLeft + over.clientWidth * share, over.offsetTop + over.clientHeight * 0.3];
        pen.drawImage(canvas, left * ratio, top * ratio, 24, 12, 0, 0, 24, 12);
        const row = pen.getImageData(0, 6, 24, 1).data;
        return Array.from({ length: 24 }, (_, place) => row.slice(place * 4, place * 4 + 3).join());
    }"""
    paused, sampled = page.evaluate(script, 1 - 9.2 / 15), page.evaluate(script, 1 - 6.7 / 15)
    assert len(set(sampled)) == 1 and sampled[0] not in paused
    assert len(set(paused)) > 1, "a band with lines across it"


def test_the_numbers_are_those_of_the_server(page: Page) -> None:
    for panel, line, column, size in (("cpu", "busy", "busy", 0.01), ("busy", "busy", "busy", 0.01)):
        href = page.locator(f"[data-panel={panel}] [data-role=json]").get_attribute("href")
        origin = page.url.split("/machines")[0]
        summary = page.request.get(f"{origin}{href}").json()["groups"][0]["summary"][column]
        expected = [f"{summary[name] / size:.1f}" for name in ("mean", "median", "p95", "min", "max")]
        assert cells(page, panel, line)[1:] == expected


def test_the_crosshair_of_the_keyboard_reads_the_table(page: Page) -> None:
    """What stands at the crosshair is what the table behind says of that time, in every chart."""
    memory = page.locator("[data-panel=memory]")
    memory.get_by_text("Show as table").click()
    memory.get_by_role("group", name="Memory", exact=True).focus()
    page.keyboard.press("End")
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    at = memory.locator("[data-role=when]").inner_text()
    row = memory.locator(".values tbody tr").nth(3)
    expect(row.locator("th")).to_have_text(re.compile(at))
    assert row.locator("td").all_inner_texts() == [
        cells(page, "memory", line)[0] for line in ("used", "available", "total")
    ]
    expect(page.locator("[data-panel=busy] [data-role=when]")).to_have_text(at)
    page.keyboard.press("Home")
    expect(memory.locator("[data-role=when]")).not_to_have_text(at)


def test_keys_zoom_and_move(page: Page) -> None:
    page.get_by_role("group", name="CPU", exact=True).focus()
    start, end = window(page)
    page.keyboard.press("-")
    page.wait_for_url(lambda url: f"from={start}&" not in url)
    wider = window(page)
    assert wider[1] - wider[0] == 2 * (end - start)
    page.keyboard.press("PageUp")
    page.wait_for_url(lambda url: f"from={wider[0]}&" not in url)
    earlier = window(page)
    assert wider[0] - earlier[0] == end - start, "by half of its width"
    page.keyboard.press("PageDown")
    page.wait_for_url(lambda url: f"from={earlier[0]}&" not in url)
    assert window(page) == wider
    page.go_back()
    assert window(page) == earlier


def test_nothing_is_painted_or_asked_when_nothing_changed(page: Page, watched: Watched) -> None:
    page.wait_for_timeout(500)  # what the first picture still had to do
    before = page.evaluate("painted.strokes")
    asked = len([url for url in watched.requests if "/api/v1/live" not in url])
    page.wait_for_timeout(QUIET_MS)
    assert page.evaluate("painted.strokes") == before
    later = [url for url in watched.requests if "/api/v1/live" not in url][asked:]
    assert not [url for url in later if "/api/v1/series" in url or "/api/v1/gaps" in url]
    assert len([url for url in watched.requests if "/api/v1/live" in url]) >= 2, "it only asks whether anything is new"


def test_a_picture_says_what_it_shows(page: Page, served: Served) -> None:
    total = page.locator("[data-panel=memory]").get_by_role("button", name="total")
    total.click()
    expect(total).to_have_attribute("aria-pressed", "false")
    page.evaluate("painted.words.clear()")
    with page.expect_download() as download:
        page.locator("[data-panel=memory]").get_by_role("button", name="Save PNG").click()
    assert download.value.suggested_filename.startswith(f"{alias_of(served.machine)}-memory-")
    words = set(page.evaluate("[...painted.words]"))
    assert f"{alias_of(served.machine)} – Memory" in words
    (facts,) = [text for text in words if " · " in text]
    assert re.search(r"\d\d:\d\d:\d\d to .*\d\d:\d\d:\d\d \(15 min\)", facts)
    assert "Europe/Warsaw" in facts and "each point = 2 s" in facts and facts.endswith("GiB")
    mean, most = (cells(page, "memory", "used")[at] for at in (1, 5))
    assert f"used: mean {mean}, max {most}" in words
    assert not [text for text in words if text.startswith("total:")], "a line that is hidden is not in its legend"


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_who_wants_no_motion_gets_none(browser: Browser, served: Served, motion: Any) -> None:
    watched = Watched(browser, reduced_motion=motion)
    served.dashboard.put(served.machine, [clock_ms()])
    watched.page.goto(served.path("range=5m"))
    expect(watched.page.locator("#feed")).to_have_attribute("data-state", "live")
    moving = watched.page.evaluate("document.getAnimations().filter((each) => each.playState === 'running').length")
    assert (moving == 0) == (motion == "reduce")
    watched.check(served.dashboard.url)


def test_a_volunteers_own_machine_leads_to_their_data(browser: Browser, served: Served) -> None:
    own = served.dashboard.enrol().instance
    served.dashboard.put(own, [clock_ms() - 1000])
    for link, count in ((served.dashboard.volunteer_link(own), 1), (served.dashboard.operator_link(), 0)):
        watched = Watched(browser)
        page = watched.enter_at(link, f"/machines/{own}")
        expect(page.get_by_role("link", name="Your consent and your data")).to_have_count(count)
        if count:
            page.get_by_role("link", name="Your consent and your data").click()
            page.wait_for_url("**/own")
        watched.check(served.dashboard.url)
