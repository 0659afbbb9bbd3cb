"""The dashboard in a real browser on a real server and store. Screenshots are left in ``screenshots/``."""

import re
import time
from collections.abc import Iterator, Sequence
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
from tests.server.web.spoken import AGO, MEMORY, PERCENT, RATE

pytestmark = pytest.mark.e2e

MINUTE = 60_000
PANELS = ("cpu", "memory", "disk", "busy")
HOSTILE = "<img src=x onerror=alert(1)>.example:9100"


@dataclass
class Served:
    """A server with a machine that is live and has a gap, one that fell silent, and an open server."""

    dashboard: Dashboard
    live: str
    silent: str
    source: str
    gap: tuple[int, int]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    # pylint: disable-next=contextmanager-generator-missing-cleanup  # dashboard() cleans up in a finally
    with dashboard(tmp_path_factory.mktemp("dashboard")) as made:
        now = clock_ms() // 1000 * 1000
        gap = (now - 8 * MINUTE, now - 6 * MINUTE)
        live, silent = made.enrol().instance, made.enrol().instance
        source = made.runtime.registry.source_instance(HOSTILE)
        made.put(live, list(range(now - 120 * MINUTE, now - 16 * MINUTE, 5000)))
        made.put(live, [at for at in range(now - 16 * MINUTE, now, 1000) if not gap[0] <= at < gap[1]])
        made.put(silent, list(range(now - 240 * MINUTE, now - 180 * MINUTE, 10_000)), "cpu", "memory")
        made.put(source, list(range(now - 60 * MINUTE, now, 15_000)))
        yield Served(made, live, silent, source, gap)


@pytest.fixture
def watched(browser: Browser, served: Served) -> Iterator[Watched]:
    """A page that must not complain and must not ask anybody else."""
    made = Watched(browser)
    yield made
    made.check(served.dashboard.url)


@pytest.fixture
def page(watched: Watched, served: Served) -> Page:
    """The operator's page, on the live machine."""
    opened = watched.enter(served.dashboard.operator_link())
    choose(opened, served.live)
    opened.get_by_role("button", name="15 minutes", exact=True).click()
    expect(opened.locator("[data-panel=cpu]").get_by_text("each point = 2 s")).to_be_visible()
    return opened


def choose(page: Page, instance: str) -> None:
    page.get_by_role("link", name=alias_of(instance)).click()
    expect(page.locator("#detail-title")).to_have_text(alias_of(instance))
    expect(page.locator("[data-panel=cpu] [data-role=json]")).to_have_attribute("href", re.compile(instance))


def screenshot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"dashboard-{name}.png", full_page=True)


def in_url(page: Page, name: str) -> str | None:
    return parse_qs(urlsplit(page.url).query).get(name, [None])[0]


def plot(page: Page, panel: str) -> Any:
    return page.locator(f"[data-panel={panel}] .u-over")


def pixels(page: Page, panel: str, share: float) -> set[tuple[int, ...]]:
    """The colours of the column of a chart at a share of its width."""
    script = """([panel, share]) => {
        const canvas = document.querySelector(`[data-panel=${panel}] canvas`);
        const over = document.querySelector(`[data-panel=${panel}] .u-over`);
        const ratio = canvas.width / canvas.clientWidth;
        const x = Math.round((over.offsetLeft + over.clientWidth * share) * ratio);
        const [top, height] = [over.offsetTop * ratio, over.clientHeight * ratio];
        const copy = new OffscreenCanvas(1, height).getContext("2d", { willReadFrequently: true });
        copy.drawImage(canvas, x, top, 1, height, 0, 0, 1, height);
        return [...copy.getImageData(0, 0, 1, height).data];
    }"""
    data = page.evaluate(script, [panel, share])
    return {tuple(data[at : at + 3]) for at in range(0, len(data), 4) if data[at + 3] == 255}


def drag(page: Page, panel: str, start: float, end: float) -> None:
    box = plot(page, panel).bounding_box()
    page.mouse.move(box["x"] + box["width"] * start, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, box["y"] + 50, steps=6)
    page.mouse.up()


def test_every_chart_is_drawn_with_its_numbers(page: Page) -> None:
    for panel in PANELS:
        assert len(pixels(page, panel, 0.9)) >= 2, f"{panel} shows something"
    cpu = page.locator("[data-panel=cpu]")
    expect(cpu.get_by_text("each point = 2 s")).to_be_visible()
    busy = cpu.get_by_role("row", name=re.compile("^busy")).get_by_role("cell").all_inner_texts()
    newest, mean, median, p95, least, most = (float(text) for text in busy)
    assert 5 < least <= median <= p95 <= most < 65
    assert least <= mean <= most and least <= newest <= most
    modes = cpu.locator("tbody [scope=row]").all_inner_texts()
    assert modes[:7] == ["busy", "user", "system", "nice", "disk wait", "interrupts", "stolen"]
    assert page.locator("[data-panel=memory] [data-role=unit]").inner_text() == "GiB"
    expect(page.locator("[data-panel=memory]").get_by_text("swap used")).to_be_visible()
    assert page.locator("[data-panel=disk] [data-role=unit]").inner_text() == "MB/s"
    screenshot(page, "light")


def test_a_gap_is_a_gap(page: Page, served: Served) -> None:
    now = clock_ms()
    middle = 1 - (now - sum(served.gap) / 2) / (15 * MINUTE)
    background = pixels(page, "memory", middle)
    beside = pixels(page, "memory", middle + 0.1)
    assert len(background) < len(beside), "nothing is drawn across the gap"
    page.locator("[data-panel=memory] summary").click()
    expect(page.locator("[data-panel=memory] .gap").first).to_have_text("no samples")


def test_the_table_behind_a_chart_and_its_csv(page: Page) -> None:
    panel = page.locator("[data-panel=disk]")
    panel.get_by_text("Show as table").click()
    table = panel.get_by_role("region").get_by_role("table")
    expect(table.get_by_role("columnheader")).to_have_text(["from", "read (MB/s)", "write (MB/s)"])
    assert table.get_by_role("row").count() > 200
    with page.expect_download() as download:
        panel.get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename.endswith("Z.csv")
    lines = Path(download.value.path()).read_text("utf-8").splitlines()
    assert lines[0].startswith("time (UTC),read_bytes_per_second mean (By/s),read_bytes_per_second median (By/s)")
    assert re.match(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ,\d", lines[-1])
    answer = page.request.get(
        f"{page.url.split('/?')[0]}{panel.get_by_role('link', name='JSON').get_attribute('href')}"
    )
    assert answer.json()["table"] == "disk"


def test_dragging_zooms_all_charts_and_a_double_click_goes_back(page: Page) -> None:
    drag(page, "cpu", 0.7, 0.9)
    expect(page.locator("#reset")).to_be_visible()
    start, end = int(in_url(page, "from") or 0), int(in_url(page, "to") or 0)
    assert abs((end - start) - 3 * MINUTE) < 10_000
    for panel in PANELS:
        expect(page.locator(f"[data-panel={panel}] [data-role=json]")).to_have_attribute(
            "href", re.compile(f"start={start}&end={end}")
        )
        expect(page.locator(f"[data-panel={panel}]").get_by_text("each point = 1 s")).to_be_visible()
    screenshot(page, "zoomed")
    plot(page, "disk").dblclick(position={"x": 200, "y": 40})
    expect(page.locator("#reset")).to_be_hidden()
    assert in_url(page, "from") is None
    page.go_back()
    assert in_url(page, "from") == str(start), "back in the history is back in the zoom"
    expect(page.locator("#reset")).to_be_visible()
    page.reload()
    expect(page.locator("[data-panel=cpu] [data-role=json]")).to_have_attribute("href", re.compile(f"start={start}"))


def test_the_crosshair_is_in_all_charts_with_values_in_the_legend(page: Page) -> None:
    plot(page, "memory").hover(position={"x": 500, "y": 60})
    held = [page.locator(f"[data-panel={panel}] [data-role=when]") for panel in PANELS]
    expect(held[0]).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    assert len({entry.inner_text() for entry in held}) == 1
    screenshot(page, "hovered")
    page.mouse.move(2, 2)
    for entry in held:
        expect(entry).to_have_text("newest")


def test_all_of_it_works_from_the_keyboard(page: Page, served: Served) -> None:
    names = sorted([alias_of(name) for name in (served.live, served.silent, served.source)])
    page.keyboard.press("Tab")
    page.get_by_role("link", name=names[0]).focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name=names[1])).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#detail-title")).to_have_text(names[1])
    choose(page, served.live)
    chart = page.get_by_role("group", name="CPU")
    chart.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowLeft")
    expect(page.locator("[data-panel=disk] [data-role=when]")).to_have_text(re.compile(r"\d\d:\d\d:\d\d"))
    page.keyboard.press("+")
    expect(page.locator("#reset")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#reset")).to_be_hidden()


def test_the_skip_link_leads_to_the_charts(page: Page) -> None:
    page.reload()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the charts")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#detail")).to_be_focused()


def test_ranges_cores_and_disks_are_in_the_url(page: Page) -> None:
    page.get_by_role("button", name="1 hour", exact=True).click()
    expect(page.locator("[data-panel=cpu]").get_by_text("each point = 10 s")).to_be_visible()
    assert in_url(page, "range") == "1h"
    page.locator("select").first.select_option("1")
    page.locator("select").last.select_option("sda")
    expect(page.locator("[data-panel=busy] [data-role=json]")).to_have_attribute("href", re.compile("by=part"))
    assert (in_url(page, "core"), in_url(page, "device")) == ("1", "sda")
    page.go_back()
    page.go_back()
    page.go_back()
    assert in_url(page, "range") == "15m"
    expect(page.locator("[data-panel=cpu]").get_by_text("each point = 2 s")).to_be_visible()


def test_dark_is_kept(page: Page) -> None:
    page.get_by_role("button", name="Dark").click()
    dark = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(dark) == "rgb(12, 16, 22)"
    assert in_url(page, "theme") == "dark"
    screenshot(page, "dark")
    page.goto(page.url.replace("theme=dark", ""))
    assert page.evaluate(dark) == "rgb(12, 16, 22)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(browser: Browser, served: Served, scheme: Any) -> None:
    watched = Watched(browser, color_scheme=scheme)
    page = watched.enter(served.dashboard.operator_link())
    script = "name => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim()"
    for ground in ("surface", "page", "sunken", "chosen"):
        for name in ("text", "muted", "accent", "good", "warn", "bad"):
            ratio = _contrast(page.evaluate(script, name), page.evaluate(script, ground))
            assert ratio >= 4.5, f"{scheme}: {name} on {ground} is {ratio:.2f}:1"
    lines = ("user", "system", "nice", "iowait", "interrupt", "steal", "used", "available", "read", "write", "busy")
    for name in lines:
        assert _contrast(page.evaluate(script, f"c-{name}"), page.evaluate(script, "surface")) >= 3, name
    watched.check(served.dashboard.url)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (768, 1024), (375, 812)])
def test_it_fits(browser: Browser, served: Served, width: int, height: int) -> None:
    watched = Watched(browser, width, height)
    page = watched.enter(served.dashboard.operator_link())
    choose(page, served.live)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("stats", "machines"):
        overflow = (
            f"[...document.querySelectorAll('table.{name}')].map(t => t.scrollWidth - t.parentElement.clientWidth)"
        )
        assert max(page.evaluate(overflow)) <= 0, f"{name} can be read without scrolling sideways"
    screenshot(page, str(width))
    watched.check(served.dashboard.url)


def test_a_new_sample_is_on_the_page_within_two_seconds(page: Page, served: Served) -> None:
    page.get_by_role("button", name="5 minutes", exact=True).click()
    expect(page.locator("[data-panel=memory] [data-role=json]")).to_have_attribute("href", re.compile("start"))
    newest = page.locator("[data-panel=memory] [data-role=words]")
    before = newest.text_content()
    row = page.locator(f"[data-instance='{served.live}'] time")
    served.dashboard.put(served.live, [clock_ms()])
    acknowledged = time.monotonic()
    expect(newest).not_to_have_text(before or "", timeout=5000)
    expect(row).to_have_text(re.compile("just now|[2-3] s ago"))
    assert time.monotonic() - acknowledged < 2.0
    expect(page.locator("#feed")).to_have_attribute("data-state", "live")


def test_an_unreachable_server_is_said_and_survived(browser: Browser, served: Served) -> None:
    watched = Watched(browser)
    page = watched.enter(served.dashboard.operator_link())
    page.route("**/api/**", lambda route: route.abort())
    expect(page.locator("#feed-text")).to_have_text(re.compile("Server unreachable, last answer .+; trying again"))
    expect(page.locator("#feed-text")).to_have_text(re.compile("last answer [3-9] s ago"))
    screenshot(page, "unreachable")
    page.unroute("**/api/**")
    expect(page.locator("#feed")).not_to_have_attribute("data-state", "down")
    assert watched.hosts == {urlsplit(served.dashboard.url).netloc}
    page.context.close()


def test_a_hidden_page_asks_nothing(page: Page, watched: Watched) -> None:
    hide = "hidden => { Object.defineProperty(document, 'hidden', { get: () => hidden, configurable: true });" + (
        "document.dispatchEvent(new Event('visibilitychange')); }"
    )
    page.evaluate(hide, True)
    page.wait_for_load_state("networkidle")
    before = len(watched.requests)
    page.wait_for_timeout(2500)  # the proof that nothing happens takes its time
    assert len(watched.requests) == before
    with page.expect_request("**/api/v1/live**"):
        page.evaluate(hide, False)


def test_a_silent_machine_shows_its_last_samples(page: Page, served: Served) -> None:
    choose(page, served.silent)
    expect(page.locator("#shown")).to_have_text(re.compile("Silent for 3 h; the 15 min up to its last sample"))
    assert len(pixels(page, "cpu", 0.9)) >= 3
    expect(page.locator("[data-panel=disk]")).to_have_attribute("data-empty", "")
    screenshot(page, "silent")


def test_the_list_sorts(page: Page, served: Served) -> None:
    page.get_by_role("button", name="Last sample").click()
    assert in_url(page, "sort") == "seen"
    assert page.locator("#rows tr").last.get_attribute("data-instance") == served.silent
    expect(page.get_by_role("columnheader", name="Last sample")).to_have_attribute("aria-sort", "descending")


def test_a_hostile_name_is_only_text(page: Page, served: Served) -> None:
    choose(page, served.source)
    expect(page.locator("#facts")).to_contain_text(HOSTILE)
    assert page.locator("img[src=x]").count() == 0


def test_a_machine_that_is_withdrawn_leaves_the_page(browser: Browser, served: Served) -> None:
    watched = Watched(browser)
    volunteer = served.dashboard.enrol()
    served.dashboard.put(volunteer.instance, [clock_ms() - 1000, clock_ms()])
    page = watched.enter(served.dashboard.operator_link())
    choose(page, volunteer.instance)
    assert volunteer.post_withdrawal().status_code == 200
    expect(page.locator("#missing")).to_be_visible()
    expect(page.get_by_role("link", name=alias_of(volunteer.instance))).to_have_count(0)
    watched.check(served.dashboard.url, but="404")  # a question that was on its way when the consent ended


def test_a_volunteer_and_the_public_see_their_part(browser: Browser, served: Served) -> None:
    watched = Watched(browser)
    page = watched.enter(served.dashboard.volunteer_link(served.silent))
    assert page.locator("#rows a").all_inner_texts() == [alias_of(served.silent)]
    expect(page.get_by_text("sysmetric consent revoke")).to_be_visible()
    screenshot(page, "volunteer")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Public view")).to_be_visible()
    assert page.locator("#rows a").all_inner_texts() == [alias_of(served.source)]
    screenshot(page, "public")
    watched.check(served.dashboard.url)


def test_an_empty_page_comes_alive_by_itself(browser: Browser, tmp_path: Path) -> None:
    with dashboard(tmp_path) as empty:
        watched = Watched(browser)
        page = watched.enter(empty.operator_link())
        expect(page.get_by_text("sysmetric-server import FILE")).to_be_visible()
        screenshot(page, "empty")
        source = empty.runtime.registry.source_instance("demo:9100")
        empty.put(source, list(range(clock_ms() - MINUTE, clock_ms(), 1000)))
        expect(page.get_by_role("link", name=alias_of(source))).to_be_visible()
        page.wait_for_selector("canvas")
        expect(page.locator("#empty")).to_be_hidden()
        watched.check(empty.url)


def test_the_scripts_say_what_the_server_says(page: Page) -> None:
    script = """async ([name, values]) => {
        const page = document.querySelector("script[type=module]").src;
        const format = await import(page.replace("page.js", "format.js"));
        return values.map((value) => format[name](...value));
    }"""
    now = 1_790_000_000_000
    assert page.evaluate(script, ["ago", [[now - age, now] for age, _ in AGO]]) == [words for _, words in AGO]
    plain: tuple[tuple[str, Sequence[tuple[float | None, str]]], ...] = (
        ("percent", PERCENT),
        ("rate", RATE),
        ("size", MEMORY),
    )
    for name, cases in plain:
        assert page.evaluate(script, [name, [[value] for value, _ in cases]]) == [words for _, words in cases]


def _contrast(first: str, second: str) -> float:
    """WCAG 2.2, 1.4.3, of two colours as #rrggbb."""

    def luminance(colour: str) -> float:
        channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)
