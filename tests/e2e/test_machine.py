"""The page of one machine in a real browser on a real server and store. Screenshots are left in ``screenshots/``."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from consent.alias import alias_of
from server.clock import clock_ms
from tests.e2e.conftest import SCREENSHOTS
from tests.e2e.dashboards import Dashboard, Watched, dashboard

pytestmark = pytest.mark.e2e

MINUTE = 60_000
PANELS = ("cpu", "memory", "swap", "throughput", "operations", "busy")
HOSTILE = "<img src=x onerror=alert(1)>.example:9100"
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass
class Served:
    """A server with a machine that is live and was paused, one that fell silent, and an open server."""

    dashboard: Dashboard
    live: str
    silent: str
    source: str
    gap: tuple[int, int]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    # pylint: disable-next=contextmanager-generator-missing-cleanup  # dashboard() cleans up in a finally
    with dashboard(tmp_path_factory.mktemp("machine")) as made:
        now = clock_ms() // 1000 * 1000
        gap = (now - 8 * MINUTE, now - 6 * MINUTE)
        live, silent = made.enrol(120 * MINUTE).instance, made.enrol(240 * MINUTE).instance
        source = made.runtime.registry.source_instance(HOSTILE)
        made.put(live, list(range(now - 120 * MINUTE, now - 16 * MINUTE, 5000)))
        made.put(live, [at for at in range(now - 16 * MINUTE, now, 1000) if not gap[0] <= at < gap[1]])
        made.runtime.registry.note_pause(live, *gap)
        made.put(silent, list(range(now - 240 * MINUTE, now - 180 * MINUTE, 10_000)), "cpu", "memory")
        made.put(source, list(range(now - 60 * MINUTE, now, 15_000)))
        yield Served(made, live, silent, source, gap)


@pytest.fixture
def page(watched: Watched, served: Served) -> Page:
    """The operator's page of the live machine, with a quarter of an hour on it."""
    opened = watched.enter_at(served.dashboard.operator_link(), f"/machines/{served.live}?range=15m")
    drawn(opened, "2 s")
    opened.wait_for_load_state("networkidle")
    return opened


def drawn(page: Page, step: str, panel: str = "cpu") -> None:
    """Wait until a chart shows points of this width."""
    expect(page.locator(f"[data-panel={panel}] [data-role=step]")).to_have_text(f"each point = {step}")


def screenshot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"machine-{name}.png", full_page=True)


def in_url(page: Page, name: str) -> str | None:
    return parse_qs(urlsplit(page.url).query).get(name, [None])[0]


def plot(page: Page, panel: str) -> Any:
    return page.locator(f"[data-panel={panel}] .u-over")


def when(page: Page, panel: str) -> Any:
    return page.locator(f"[data-panel={panel}] [data-role=when]")


def link(page: Page, panel: str, role: str) -> str:
    return str(page.locator(f"[data-panel={panel}] [data-role={role}]").get_attribute("href"))


def pixels(page: Page, panel: str, share: float) -> list[tuple[int, ...]]:
    """The colours of the column of a chart at a share of its width, from top to bottom."""
    script = """([panel, share]) => {
        const canvas = document.querySelector(`[data-panel=${panel}] .uplot canvas`);
        const over = document.querySelector(`[data-panel=${panel}] .u-over`);
        const ratio = canvas.width / canvas.clientWidth;
        const x = Math.round((over.offsetLeft + over.clientWidth * share) * ratio);
        const [top, height] = [over.offsetTop * ratio, over.clientHeight * ratio];
        const copy = new OffscreenCanvas(1, height).getContext("2d", { willReadFrequently: true });
        copy.drawImage(canvas, x, top, 1, height, 0, 0, 1, height);
        return [...copy.getImageData(0, 0, 1, height).data];
    }"""
    data = page.evaluate(script, [panel, share])
    return [tuple(data[at : at + 3]) for at in range(0, len(data), 4) if data[at + 3] == 255]


def colour(page: Page, name: str) -> tuple[int, ...]:
    script = "name => getComputedStyle(document.documentElement).getPropertyValue('--c-' + name).trim()"
    text = str(page.evaluate(script, name))
    return tuple(int(text[at : at + 2], 16) for at in (1, 3, 5))


def nearest(column: list[tuple[int, ...]], wanted: tuple[int, ...]) -> int:
    """The first place of the colour that is most like this one."""
    distances = [sum(abs(a - b) for a, b in zip(found, wanted, strict=True)) for found in column]
    return distances.index(min(distances))


def drag(page: Page, panel: str, start: float, end: float) -> None:
    box = plot(page, panel).bounding_box()
    page.mouse.move(box["x"] + box["width"] * start, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, box["y"] + 50, steps=6)
    page.mouse.up()


def test_every_chart_is_drawn_with_its_numbers(page: Page) -> None:
    for panel in PANELS:
        assert len(set(pixels(page, panel, 0.9))) >= 2, f"{panel} shows something"
    cpu = page.locator("[data-panel=cpu]")
    busy = cpu.get_by_role("row", name=re.compile("^busy")).get_by_role("cell").all_inner_texts()
    newest, mean, median, p95, least, most = (float(text) for text in busy)
    assert 5 < least <= median <= p95 <= most < 65
    assert least <= mean <= most and least <= newest <= most
    modes = [text.strip() for text in cpu.locator("tbody [scope=row]").all_inner_texts()]
    assert modes == ["busy", "user", "system", "nice", "disk wait", "interrupts", "stolen"]
    units = {panel: page.locator(f"[data-panel={panel}] [data-role=unit]").inner_text() for panel in PANELS}
    assert units == {
        **{"cpu": "%", "memory": "GiB", "swap": "GiB", "throughput": "MB/s", "operations": "/s", "busy": "%"}
    }
    screenshot(page, "light")


def test_the_modes_are_stacked_and_idle_is_the_rest(page: Page) -> None:
    column = pixels(page, "cpu", 0.9)
    assert len(set(column[:2])) == 1, "idle is the rest: above the stack there is nothing"
    tinted = [colour(page, name) for name in ("iowait", "system", "user")]
    places = [nearest(column, wanted) for wanted in tinted]
    assert places == sorted(places), "waiting for disks lies on the kernel's share, and that on the programs'"


def test_each_core_has_its_row_and_its_number(page: Page) -> None:
    cores = page.locator("[data-role=cores] li")
    expect(cores).to_have_text([re.compile(r"core 0\s*\d+\.\d%"), re.compile(r"core 1\s*\d+\.\d%")])
    chart = plot(page, "cpu").bounding_box()
    strip: Any = page.locator("[data-role=heat] canvas").bounding_box()
    shades = page.evaluate("""() => {
        const canvas = document.querySelector("[data-role=heat] canvas");
        const pen = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
        pen.drawImage(canvas, 0, 0);
        const left = document.querySelector("[data-panel=cpu] .u-over").offsetLeft;
        const at = (x) => [...pen.getImageData(Math.round(x * devicePixelRatio), 4, 1, 1).data];
        const wide = document.querySelector("[data-panel=cpu] .u-over").clientWidth;
        return { before: at(left - 2), first: at(left + 3), gap: at(left + wide * 0.53), last: at(left + wide * 0.9) };
    }""")
    assert shades["first"][3] == shades["last"][3] == 255 and shades["before"][3] == 0, "it begins where the chart does"
    assert shades["gap"][3] == 0, "and has the same gap"
    page.mouse.move(chart["x"] + chart["width"] * 0.8, strip["y"] + strip["height"] * 0.75)
    expect(when(page, "memory")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    expect(page.locator("[data-role=cores] p")).to_have_text(f"Cores at {when(page, 'cpu').inner_text()}")
    page.mouse.click(chart["x"] + chart["width"] * 0.8, strip["y"] + strip["height"] * 0.75)
    expect(page.locator("[data-panel=cpu] select")).to_have_value("1")
    assert in_url(page, "core") == "1"
    page.locator("[data-panel=cpu] [data-role=plot]").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-role=cores] p")).to_have_text(re.compile(r"Cores at \d\d:\d\d:\d\d"))


def test_a_gap_is_a_gap_with_its_reason(page: Page, served: Served) -> None:
    middle = 1 - (clock_ms() - sum(served.gap) / 2) / (15 * MINUTE)
    across, beside = pixels(page, "memory", middle), pixels(page, "memory", middle + 0.2)
    assert colour(page, "available") in beside and colour(page, "available") not in across
    assert colour(page, "used") not in across
    page.locator("[data-panel=memory] summary").click()
    told = page.locator("[data-panel=memory] .gap").filter(has_not_text="offline")  # nothing comes while tests run
    expect(told).to_have_text(["no samples: paused, 2 min"])
    expect(page.locator("#memory-words")).to_contain_text(re.compile("No samples from .* to .*: paused."))


def test_the_spread_of_each_point_is_a_band(page: Page) -> None:
    page.get_by_role("button", name="1 h", exact=True).click()
    drawn(page, "10 s", "busy")
    expect(page.locator("[data-panel=busy] [data-role=note]")).to_have_text(re.compile("p5 to p95"))
    page.locator("[data-panel=memory]").get_by_role("button", name="available").click()
    expect(page.locator("[data-panel=memory] [data-role=stats] button").nth(1)).to_have_attribute(
        "aria-pressed", "false"
    )
    screenshot(page, "band")


def test_lines_are_hidden_by_click_and_by_keyboard_and_stay_so_in_a_link(page: Page) -> None:
    total = page.locator("[data-panel=memory]").get_by_role("button", name="total")
    assert colour(page, "total") in pixels(page, "memory", 0.9) + pixels(page, "memory", 0.905)
    total.click()
    expect(total).to_have_attribute("aria-pressed", "false")
    assert page.evaluate(
        "getComputedStyle(document.querySelector('[aria-pressed=false] .line')).textDecorationLine"
    ) == ("line-through")
    assert in_url(page, "hide") == "memory.total_bytes"
    page.locator("[data-panel=cpu]").get_by_role("button", name="user").focus()
    page.keyboard.press("Enter")
    assert in_url(page, "hide") == "cpu.user,memory.total_bytes"
    page.reload()
    drawn(page, "2 s")
    expect(page.locator("[aria-pressed=false].name")).to_have_count(2)
    assert colour(page, "total") not in pixels(page, "memory", 0.9) + pixels(page, "memory", 0.905)
    page.go_back()
    expect(page.locator("[aria-pressed=false].name")).to_have_count(1)


def test_the_table_behind_a_chart_and_its_files(page: Page) -> None:
    panel = page.locator("[data-panel=throughput]")
    panel.get_by_text("Show as table").click()
    table = panel.get_by_role("region").get_by_role("table")
    expect(table.get_by_role("columnheader")).to_have_text(["from", "read (MB/s)", "write (MB/s)"])
    assert table.get_by_role("row").count() > 200
    site = page.url.split("/machines")[0]
    answer = page.request.get(site + link(page, "throughput", "json"))
    assert answer.json()["table"] == "disk"
    with page.expect_download() as download:
        panel.get_by_role("link", name="CSV").click()
    lines = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("time (UTC),read_bytes_per_second mean (By/s)")
    assert re.match(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d", lines[1])
    with page.expect_download() as download:
        panel.get_by_role("link", name="All rows").click()
    rows = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    assert rows[0].startswith("time (UTC),device,read_bytes_per_second (By/s)")
    assert len(rows) > 1000


def test_a_chart_is_saved_as_a_picture(page: Page, served: Served) -> None:
    with page.expect_download() as download:
        page.locator("[data-panel=cpu]").get_by_role("button", name="Save PNG").click()
    assert re.fullmatch(rf"{alias_of(served.live)}-cpu-.+Z\.png", download.value.suggested_filename)
    content = Path(download.value.path()).read_bytes()
    assert content.startswith(PNG) and len(content) > 5000
    SCREENSHOTS.mkdir(exist_ok=True)
    (SCREENSHOTS / "machine-saved.png").write_bytes(content)


def test_dragging_zooms_all_charts_and_a_double_click_goes_back(page: Page) -> None:
    drag(page, "cpu", 0.7, 0.9)
    expect(page.locator("#reset")).to_be_visible()
    start, end = int(in_url(page, "from") or 0), int(in_url(page, "to") or 0)
    assert abs((end - start) - 3 * MINUTE) < 10_000
    for panel in PANELS:
        expect(page.locator(f"[data-panel={panel}] [data-role=json]")).to_have_attribute(
            "href", re.compile(f"start={start}&end={end}")
        )
        drawn(page, "1 s", panel)
    screenshot(page, "zoomed")
    plot(page, "throughput").dblclick(position={"x": 200, "y": 40})
    expect(page.locator("#reset")).to_be_hidden()
    assert in_url(page, "from") is None
    page.go_back()
    assert in_url(page, "from") == str(start), "back in the history is back in the zoom"
    expect(page.locator("#reset")).to_be_visible()
    page.reload()
    expect(page.locator("[data-panel=cpu] [data-role=json]")).to_have_attribute("href", re.compile(f"start={start}"))


@pytest.mark.parametrize("how", ["drag", "wheel"])
def test_moving_in_time(page: Page, how: str) -> None:
    box = plot(page, "memory").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 40)
    if how == "drag":
        page.keyboard.down("Shift")
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 40, steps=8)
        page.mouse.up()
        page.keyboard.up("Shift")
    else:
        page.mouse.wheel(-box["width"] * 0.4, 0)
    expect(page.locator("#reset")).to_be_visible()
    start, end = int(in_url(page, "from") or 0), int(in_url(page, "to") or 0)
    assert abs(end - start - 15 * MINUTE) < 1000, "as wide as before"
    assert abs(clock_ms() - end - 6 * MINUTE) < 30_000, "and 0.4 of the width earlier"
    expect(page.locator("[data-panel=busy] [data-role=json]")).to_have_attribute("href", re.compile(f"start={start}"))
    page.get_by_role("button", name="Later").click()
    expect(page.locator("#reset")).to_be_hidden()
    assert in_url(page, "from") is None, "who has caught up is live again"


def test_the_crosshair_is_in_all_charts_with_values_in_the_numbers(page: Page) -> None:
    plot(page, "memory").hover(position={"x": 500, "y": 60})
    held = [when(page, panel) for panel in PANELS]
    expect(held[0]).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    assert len({entry.inner_text() for entry in held}) == 1
    screenshot(page, "hovered")
    page.mouse.move(2, 2)
    for entry in held:
        expect(entry).to_have_text("newest")


def test_all_of_it_works_from_the_keyboard(page: Page) -> None:
    chart = page.get_by_role("group", name="CPU", exact=True)
    chart.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowLeft")
    expect(when(page, "throughput")).to_have_text(re.compile(r"\d\d:\d\d:\d\d"))
    page.keyboard.press("+")
    expect(page.locator("#reset")).to_be_visible()
    zoomed = in_url(page, "from")
    page.keyboard.press("PageUp")
    expect(page.locator("#shown")).not_to_have_text("")
    assert int(in_url(page, "from") or 0) < int(zoomed or 0)
    page.keyboard.press("Escape")
    expect(page.locator("#reset")).to_be_hidden()


def test_ranges_cores_and_disks_are_in_the_url(page: Page) -> None:
    page.get_by_role("button", name="1 h", exact=True).click()
    drawn(page, "10 s")
    assert in_url(page, "range") == "1h"
    page.locator("[data-panel=cpu] select").select_option("1")
    page.locator("[data-panel=throughput] select").select_option("sda")
    drawn(page, "10 s, sda", "busy")
    assert "by=part" in link(page, "busy", "json")
    assert (in_url(page, "core"), in_url(page, "device")) == ("1", "sda")
    page.go_back()
    page.go_back()
    page.go_back()
    assert in_url(page, "range") == "15m"
    drawn(page, "2 s")


def test_settings_change_the_picture_and_stay_in_the_url(page: Page) -> None:
    def choose(setting: str, value: str) -> None:
        page.get_by_text("Settings", exact=True).click()
        page.locator(f"#settings [data-setting={setting}][data-value={value}]").click()
        page.keyboard.press("Escape")

    plain = pixels(page, "memory", 0.9)
    choose("theme", "dark")
    assert pixels(page, "memory", 0.9)[1] != plain[1], "the chart has the colours of the theme"
    choose("units", "iec")
    expect(page.locator("[data-panel=throughput] [data-role=unit]")).to_have_text("MiB/s")
    choose("zone", "utc")
    expect(page.locator("#zone")).to_have_text("UTC")
    assert (in_url(page, "theme"), in_url(page, "units"), in_url(page, "zone")) == ("dark", "iec", "utc")
    screenshot(page, "dark")
    choose("lang", "pl")
    expect(page.locator("#cpu-title")).to_have_text("Procesor")
    expect(page.locator("[data-panel=memory] [data-role=big]")).to_have_text(re.compile(r"\d,\d\d z 4,00 GiB"))


def test_a_copied_link_shows_the_same_picture(browser: Browser, served: Served) -> None:
    end = clock_ms() - MINUTE
    path = f"/machines/{served.live}?from={end - 5 * MINUTE}&to={end}&device=sda&hide=cpu.user&zone=utc&theme=dark"
    shown = []
    for _ in range(2):
        watched = Watched(browser)
        opened = watched.enter_at(served.dashboard.operator_link(), path)
        drawn(opened, "1 s, sda", "throughput")
        words = [opened.locator(f"#{panel}-words").text_content() for panel in PANELS]
        shown.append((words, opened.locator("#shown").inner_text(), pixels(opened, "throughput", 0.5)))
        watched.check(served.dashboard.url)
    assert shown[0] == shown[1]


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (768, 1024), (375, 812)])
@pytest.mark.parametrize("lang", ["en", "pl"])
def test_it_fits(browser: Browser, served: Served, width: int, height: int, lang: str) -> None:
    watched = Watched(browser, width, height)
    path = f"/machines/{served.live}?lang={lang}&theme={'dark' if lang == 'pl' else 'light'}"
    page = watched.enter_at(served.dashboard.operator_link(), path)
    expect(page.locator("[data-panel=busy] [data-role=step]")).not_to_have_text("")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    overflow = "[...document.querySelectorAll('table.stats')].map(t => t.scrollWidth - t.parentElement.clientWidth)"
    assert max(page.evaluate(overflow)) <= 0, "the numbers can be read without scrolling sideways"
    screenshot(page, f"{width}-{lang}")
    watched.check(served.dashboard.url)


def test_a_new_sample_is_on_the_page_within_two_seconds(page: Page, served: Served) -> None:
    page.get_by_role("button", name="5 min", exact=True).click()
    drawn(page, "1 s", "memory")
    newest = page.locator("#memory-words")
    before = newest.text_content()
    served.dashboard.put(served.live, [clock_ms()])
    acknowledged = time.monotonic()
    expect(newest).not_to_have_text(before or "", timeout=5000)
    expect(page.locator("#feed-text")).to_have_text(re.compile("just now|[2-3] s ago"))
    assert time.monotonic() - acknowledged < 2.0
    expect(page.locator("#feed")).to_have_attribute("data-state", "live")


def test_an_unreachable_server_is_said_and_survived(browser: Browser, served: Served) -> None:
    watched = Watched(browser)
    page = watched.enter_at(served.dashboard.operator_link(), f"/machines/{served.live}")
    page.route("**/api/**", lambda route: route.abort())
    expect(page.locator("#feed-text")).to_have_text(re.compile("Server unreachable, last answer .+; trying again"))
    expect(page.locator("#feed-text")).to_have_text(re.compile("last answer [3-9] s ago"))
    page.unroute("**/api/**")
    expect(page.locator("#feed")).not_to_have_attribute("data-state", "down")
    assert watched.hosts == {urlsplit(served.dashboard.url).netloc}
    page.context.close()


def test_a_stalled_feed_says_how_old_it_is(browser: Browser, served: Served) -> None:
    watched = Watched(browser)
    machine = served.dashboard.enrol(10 * MINUTE).instance
    now = clock_ms()
    served.dashboard.put(machine, list(range(now - 5 * MINUTE, now - 14_000, 1000)))
    page = watched.enter_at(served.dashboard.operator_link(), f"/machines/{machine}")
    expect(page.locator("#feed-text")).to_have_text(re.compile("^Last update [12]\\d s ago$"))
    expect(page.locator("#feed")).to_have_attribute("data-state", "late")
    served.dashboard.put(machine, [clock_ms()])
    expect(page.locator("#feed")).to_have_attribute("data-state", "live")
    watched.check(served.dashboard.url)


def test_a_hidden_page_asks_nothing(page: Page, watched: Watched, served: Served) -> None:
    hide = "hidden => { Object.defineProperty(document, 'hidden', { get: () => hidden, configurable: true });" + (
        "document.dispatchEvent(new Event('visibilitychange')); }"
    )
    page.evaluate(hide, True)
    page.wait_for_load_state("networkidle")
    before = len(watched.requests)
    served.dashboard.put(served.live, [clock_ms()])
    page.wait_for_timeout(2500)  # the proof that nothing happens takes its time
    assert len(watched.requests) == before
    with page.expect_request("**/api/v1/series**"):
        page.evaluate(hide, False)


def test_one_question_per_table(page: Page, watched: Watched, served: Served) -> None:
    page.wait_for_load_state("networkidle")
    before = len(watched.requests)
    served.dashboard.put(served.live, [clock_ms()])
    with page.expect_response(re.compile("table=cpu.*columns=busy")):
        pass
    page.wait_for_load_state("networkidle")
    asked = [parse_qs(urlsplit(url).query) for url in watched.requests[before:] if "/api/v1/series" in url]
    tables = sorted((entry["table"][0], entry.get("by", [""])[0]) for entry in asked)
    assert tables == [("cpu", ""), ("cpu", "part"), ("disk", ""), ("memory", "")]


def test_a_silent_machine_shows_its_last_samples(watched: Watched, served: Served) -> None:
    page = watched.enter_at(served.dashboard.operator_link(), f"/machines/{served.silent}?range=15m")
    expect(page.locator("#shown")).to_have_text(re.compile("Silent for 3 h.*; the 15 min up to its last sample"))
    expect(page.locator("[data-panel=throughput]")).to_have_attribute("data-empty", "")
    assert len(set(pixels(page, "cpu", 0.9))) >= 3
    screenshot(page, "silent")


def test_a_hostile_name_is_only_text(browser: Browser, served: Served) -> None:
    watched = Watched(browser)
    watched.page.goto(f"{served.dashboard.url}/machines/{served.source}")
    expect(watched.page.locator("#facts")).to_contain_text(HOSTILE)
    assert watched.page.locator("img[src=x]").count() == 0
    watched.check(served.dashboard.url)


def test_a_machine_that_is_withdrawn_leaves_the_page(browser: Browser, served: Served) -> None:
    watched = Watched(browser)
    volunteer = served.dashboard.enrol()
    served.dashboard.put(volunteer.instance, [clock_ms() - 1000, clock_ms()])
    page = watched.enter_at(served.dashboard.operator_link(), f"/machines/{volunteer.instance}")
    expect(page.locator("#charts")).to_be_visible()
    assert volunteer.post_withdrawal().status_code == 200
    expect(page.locator("#missing")).to_be_visible()
    expect(page.locator("#charts")).to_be_hidden()
    watched.check(served.dashboard.url, but="404")  # a question that was on its way when the consent ended


def test_a_volunteer_without_samples_sees_what_to_do_and_then_the_charts(browser: Browser, served: Served) -> None:
    watched = Watched(browser)
    machine = served.dashboard.enrol().instance
    watched.page.goto(served.dashboard.volunteer_link(machine))
    watched.page.get_by_role("button", name="Open the dashboard").click()
    expect(watched.page.get_by_text("sysmetric run")).to_be_visible()
    expect(watched.page.locator("#detail-title")).to_have_text(alias_of(machine))
    screenshot(watched.page, "empty")
    served.dashboard.put(machine, [clock_ms() - 1000, clock_ms()])
    watched.page.wait_for_selector(".uplot canvas")
    expect(watched.page.locator("#empty")).to_be_hidden()
    watched.check(served.dashboard.url)
