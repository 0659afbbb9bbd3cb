"""The overview in a real browser on a real server and store. Screenshots are left in ``screenshots/``."""

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
HOSTILE = "<img src=x onerror=alert(1)>.example:9100"


@dataclass
class Served:
    """A server with a machine that is live and has a gap, one that fell silent, one that is paused, an open server."""

    dashboard: Dashboard
    live: str
    silent: str
    paused: str
    source: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    # pylint: disable-next=contextmanager-generator-missing-cleanup  # dashboard() cleans up in a finally
    with dashboard(tmp_path_factory.mktemp("overview")) as made:
        now = clock_ms() // 1000 * 1000
        live, silent, paused = (made.enrol().instance for _ in range(3))
        source = made.runtime.registry.source_instance(HOSTILE)
        made.put(live, list(range(now - 55 * MINUTE, now - 40 * MINUTE, 5000)))
        made.put(live, list(range(now - 20 * MINUTE, now, 5000)))
        made.put(silent, list(range(now - 240 * MINUTE, now - 180 * MINUTE, 10_000)), "cpu", "memory")
        made.put(paused, list(range(now - 30 * MINUTE, now - 10 * MINUTE, 10_000)))
        made.runtime.registry.note_pause(paused, now - 10 * MINUTE, None)
        made.put(source, list(range(now - 50 * MINUTE, now - 2 * MINUTE, 15_000)))
        yield Served(made, live, silent, paused, source)


@pytest.fixture
def page(watched: Watched, served: Served) -> Page:
    """The operator's overview, with its lines drawn."""
    opened = watched.enter(served.dashboard.operator_link())
    expect(spark(opened, served.live, "cpu")).to_have_attribute("role", "img")
    return opened


def row(page: Page, instance: str) -> Any:
    return page.locator(f"#rows tr[data-instance='{instance}']")


def spark(page: Page, instance: str, cell: str) -> Any:
    return row(page, instance).locator(f"[data-cell={cell}] .spark")


def listed(page: Page) -> list[str]:
    """The instances in the order of their rows."""
    rows = page.evaluate("[...document.querySelectorAll('#rows tr')].map((row) => row.dataset.instance)")
    return [str(instance) for instance in rows]


def in_url(page: Page, name: str) -> list[str]:
    return parse_qs(urlsplit(page.url).query).get(name, [])


def screenshot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"overview-{name}.png", full_page=True)


def test_every_machine_is_a_row_with_state_source_and_newest_values(page: Page, served: Served) -> None:
    assert set(listed(page)) == {served.live, served.silent, served.paused, served.source}
    states = {served.live: "live", served.silent: "gone", served.paused: "paused", served.source: "late"}
    for instance, state in states.items():
        expect(row(page, instance).get_by_role("link", name=alias_of(instance))).to_be_visible()
        expect(row(page, instance).locator("[data-cell=state]")).to_have_text(state)
    expect(row(page, served.source).locator(".badge")).to_have_text("open server")
    expect(row(page, served.live).locator(".badge")).to_have_text("volunteer")
    expect(row(page, served.silent).locator("time")).to_have_text("3 h ago")
    live = row(page, served.live)
    assert re.fullmatch(r"\d+\.\d\s?%", live.locator("[data-cell=cpu] > span").inner_text())
    assert re.fullmatch(r"\d+\.\d\s?%", live.locator("[data-cell=memory] > span").inner_text())
    assert re.fullmatch(r"[\d.]+ [kM]B/s", live.locator("[data-cell=disk] > span").inner_text())
    assert row(page, served.silent).locator("[data-cell=disk] > span").inner_text() == "–"


def test_tiles_count_and_choose(page: Page, served: Served) -> None:
    tiles = page.locator("#tiles")
    for name, count in {
        "All": 4,
        "Live": 1,
        "Late": 1,
        "Paused": 1,
        "Gone": 1,
        "Volunteers": 3,
        "Open servers": 1,
    }.items():
        expect(tiles.get_by_role("link", name=re.compile(f"{count}\\s*{name}$"))).to_be_visible()
    tiles.get_by_role("link", name=re.compile("Paused")).click()
    expect(page.locator("#rows tr")).to_have_count(1)
    assert (listed(page), in_url(page, "state")) == ([served.paused], ["paused"])
    expect(tiles.locator("[aria-current]")).to_have_text(re.compile("Paused"))
    page.go_back()
    expect(page.locator("#rows tr")).to_have_count(4)
    expect(tiles.locator("[aria-current]")).to_have_text(re.compile("All"))


def test_a_gap_in_a_line_is_a_gap_and_is_said(page: Page, served: Served) -> None:
    line = spark(page, served.live, "cpu").locator(".line").get_attribute("d")
    assert line.count("M") == 2, "two runs, nothing between them"
    words = spark(page, served.live, "cpu").get_attribute("aria-label")
    assert re.fullmatch(
        r"CPU, last hour: [\d.]+\s?% on average, at most [\d.]+\s?%; no samples in 2\d of 60 minutes", words
    )
    assert spark(page, served.silent, "disk").get_attribute("aria-label") == "Disk throughput, last hour: no samples"
    assert spark(page, served.silent, "cpu").locator(".line").get_attribute("d") == ""


def test_each_column_sorts_and_the_url_says_so(page: Page, served: Served) -> None:
    head = page.get_by_role("columnheader", name="Last seen")
    head.get_by_role("link").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(page.locator("#rows tr").last).to_have_attribute("data-instance", served.silent)
    assert (in_url(page, "sort"), listed(page)[0]) == (["-seen"], served.live)
    head.get_by_role("link").click()
    expect(page.locator("#rows tr").first).to_have_attribute("data-instance", served.silent)
    page.go_back()
    expect(page.locator("#rows tr").first).to_have_attribute("data-instance", served.live)
    page.reload()
    assert listed(page)[0] == served.live, "a link shows the same order"
    for name in ("Machine", "Source", "State", "CPU", "Memory", "Disk"):
        page.get_by_role("columnheader", name=name).get_by_role("link").click()
        expect(page.get_by_role("columnheader", name=name)).to_have_attribute("aria-sort", re.compile("ending"))
    expect(page.locator("#rows tr").last).to_have_attribute("data-instance", served.silent)  # no disk: last


def test_typing_filters(page: Page, served: Served) -> None:
    page.keyboard.press("/")
    expect(page.locator("#filter")).to_be_focused()
    page.keyboard.type("onerror")
    expect(page.locator("#rows tr")).to_have_count(1)
    assert listed(page) == [served.source]
    assert in_url(page, "q") == ["onerror"]
    assert page.locator("img[src=x]").count() == 0, "a hostile name is only text"
    page.locator("#filter").fill("nobody has this name")
    expect(page.locator("#nothing")).to_be_visible()
    screenshot(page, "nothing-fits")
    page.get_by_role("link", name="Show all").click()
    expect(page.locator("#rows tr")).to_have_count(4)
    expect(page.locator("#filter")).to_have_value("")
    page.go_back()
    expect(page.locator("#filter")).to_have_value("nobody has this name")


def test_all_of_it_works_from_the_keyboard(page: Page, served: Served) -> None:
    order = listed(page)
    links = [row(page, instance).get_by_role("link") for instance in order]
    page.locator("#filter").focus()
    page.keyboard.press("ArrowDown")
    expect(links[0]).to_be_focused()
    for key, place in (("ArrowDown", 1), ("End", 3), ("ArrowUp", 2), ("Home", 0), ("PageDown", 3), ("PageUp", 0)):
        page.keyboard.press(key)
        expect(links[place]).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(row(page, order[1]).get_by_role("checkbox")).to_be_checked()
    assert in_url(page, "mark") == order[:2]
    expect(page.locator("#marked")).to_have_text("2 marked.")
    screenshot(page, "marked")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/machines/{order[1]}**")


def test_marks_lead_to_compare_and_stay_over_a_reload(page: Page, served: Served) -> None:
    for instance in (served.live, served.source):
        row(page, instance).get_by_role("checkbox").check()
    page.reload()
    expect(row(page, served.live).get_by_role("checkbox")).to_be_checked()
    compare = page.get_by_role("button", name="Compare")
    expect(compare).to_be_enabled()
    with page.expect_request("**/compare?**") as asked:
        compare.click()
    assert parse_qs(urlsplit(asked.value.url).query)["instance"] == [served.live, served.source]


def test_one_tab_stop_for_all_rows(page: Page) -> None:
    assert page.locator("#rows a[tabindex='0']").count() == 1


def test_the_first_html_works_without_a_script(browser: Browser, served: Served) -> None:
    watched = Watched(browser, java_script_enabled=False)
    watched.page.goto(served.dashboard.operator_link())
    watched.page.get_by_role("button", name="Open the dashboard").click()
    page = watched.page
    expect(page.locator("#rows tr")).to_have_count(4)
    assert re.fullmatch(r"\d+\.\d\s?%", row(page, served.live).locator("[data-cell=cpu] > span").inner_text())
    page.get_by_role("columnheader", name="Last seen").get_by_role("link").click()
    expect(page.locator("#rows tr").first).to_have_attribute("data-instance", served.live)
    page.locator("#filter").fill("onerror")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#rows tr")).to_have_count(1)
    assert in_url(page, "sort") == ["-seen"], "the filter keeps the order"
    screenshot(page, "no-script")
    watched.check(served.dashboard.url)


def test_a_new_sample_is_on_the_page_within_two_seconds(page: Page, served: Served) -> None:
    seen = row(page, served.source).locator("time")
    expect(seen).to_have_text(re.compile("min ago"))
    served.dashboard.put(served.source, [clock_ms()])
    acknowledged = time.monotonic()
    expect(seen).to_have_text(re.compile("just now|[12] s ago"), timeout=5000)
    assert time.monotonic() - acknowledged < 2.0
    expect(row(page, served.source).locator("[data-cell=state]")).to_have_text("live")
    expect(page.locator("#feed")).to_have_attribute("data-state", "live")
    expect(page.locator("#feed-text")).to_have_text(re.compile("^Live, last update"))


def test_only_what_changed_is_drawn_again(page: Page, served: Served) -> None:
    page.evaluate("""() => {
        window.touched = new Set();
        new MutationObserver((records) => {
            for (const { target } of records) window.touched.add(
                (target.nodeType === 1 ? target : target.parentElement).closest("tr")?.dataset.instance);
        }).observe(document.querySelector("#rows"),
            { subtree: true, childList: true, attributes: true, characterData: true, attributeFilter: ["d", "datetime"] });
    }""")
    with page.expect_response("**/api/v1/instances**"):
        served.dashboard.put(served.live, [clock_ms()])
    expect(row(page, served.live).locator("time")).to_have_text(re.compile("just now|[1-3] s ago"))
    touched = page.evaluate("[...window.touched]")
    assert served.live in touched and served.silent not in touched


def test_a_hidden_page_asks_nothing_and_goes_on_by_itself(page: Page, watched: Watched) -> None:
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


def test_an_unreachable_server_is_said_and_survived(browser: Browser, served: Served) -> None:
    watched = Watched(browser)
    page = watched.enter(served.dashboard.operator_link())
    page.route("**/api/**", lambda route: route.abort())
    expect(page.locator("#feed-text")).to_have_text(
        re.compile("Server unreachable, last answer [3-9] s ago; trying again")
    )
    screenshot(page, "unreachable")
    page.unroute("**/api/**")
    expect(page.locator("#feed")).not_to_have_attribute("data-state", "down")
    assert watched.hosts == {urlsplit(served.dashboard.url).netloc}
    page.context.close()


def test_a_machine_that_is_withdrawn_leaves_the_page(browser: Browser, served: Served) -> None:
    watched = Watched(browser)
    volunteer = served.dashboard.enrol()
    served.dashboard.put(volunteer.instance, [clock_ms() - 1000, clock_ms()])
    page = watched.enter(served.dashboard.operator_link())
    expect(row(page, volunteer.instance)).to_be_visible()
    assert volunteer.post_withdrawal().status_code == 200
    expect(row(page, volunteer.instance)).to_have_count(0)
    watched.check(served.dashboard.url)


def test_a_volunteer_and_the_public_see_their_part(browser: Browser, served: Served) -> None:
    watched = Watched(browser)
    page = watched.enter_at(served.dashboard.volunteer_link(served.silent), "/")
    assert listed(page) == [served.silent]
    expect(page.get_by_text("sysmetric consent revoke")).to_be_visible()
    expect(page.locator("#tiles")).to_be_hidden()
    screenshot(page, "volunteer")
    public = Watched(browser)
    public.page.goto(served.dashboard.url)
    assert listed(public.page) == [served.source]
    screenshot(public.page, "public")
    for each in (watched, public):
        each.check(served.dashboard.url)


def test_an_empty_page_comes_alive_by_itself(browser: Browser, tmp_path: Path) -> None:
    with dashboard(tmp_path) as empty:
        watched = Watched(browser)
        page = watched.enter(empty.operator_link())
        expect(page.get_by_text("sysmetric-server import FILE")).to_be_visible()
        screenshot(page, "empty")
        source = empty.runtime.registry.source_instance("demo:9100")
        empty.put(source, list(range(clock_ms() - MINUTE, clock_ms(), 1000)))
        expect(row(page, source)).to_be_visible()
        expect(spark(page, source, "cpu")).to_have_attribute("role", "img")
        expect(page.locator("#empty")).to_be_hidden()
        watched.check(empty.url)


def test_an_enrolment_link_says_what_to_run(browser: Browser, served: Served) -> None:
    watched = Watched(browser)
    watched.page.goto(f"{served.dashboard.url}/#k={'a' * 43}&i=abc")
    command = f"sysmetric consent give '{served.dashboard.url}/#k={'a' * 43}&i=abc'"
    expect(watched.page.get_by_text(command)).to_be_visible()
    watched.check(served.dashboard.url)


@pytest.mark.parametrize("lang", ["en", "pl"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (768, 1024), (375, 812)])
def test_it_fits(browser: Browser, served: Served, width: int, height: int, theme: str, lang: str) -> None:
    watched = Watched(browser, width, height)
    page = watched.enter(served.dashboard.operator_link())
    page.goto(f"{served.dashboard.url}/?theme={theme}&lang={lang}&mark={served.live}&mark={served.source}")
    expect(spark(page, served.live, "cpu")).to_have_attribute("role", "img")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    overflow = "(table => table.scrollWidth - table.parentElement.clientWidth)(document.querySelector('.fleet'))"
    assert page.evaluate(overflow) <= 0, "the table can be read without scrolling sideways"
    screenshot(page, f"{width}-{theme}-{lang}")
    watched.check(served.dashboard.url)
