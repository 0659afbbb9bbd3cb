"""Comparing machines in a real browser. Screenshots are left in ``screenshots/``."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from consent.alias import alias_of
from server.clock import clock_ms
from tests.e2e.conftest import SCREENSHOTS
from tests.e2e.dashboards import Dashboard, Watched, dashboard

pytestmark = pytest.mark.e2e

MINUTE = 60_000
CHARTS = ("cpu", "memory", "read", "write")


@dataclass
class Served:
    """Two open servers that everybody sees, of which the first has a gap, and a volunteer's machine."""

    dashboard: Dashboard
    first: str
    second: str
    private: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    # pylint: disable-next=contextmanager-generator-missing-cleanup  # dashboard() cleans up in a finally
    with dashboard(tmp_path_factory.mktemp("compare")) as made:
        now = clock_ms() // 1000 * 1000
        first, second = (made.runtime.registry.source_instance(name) for name in ("a.example:9100", "b.example:9100"))
        private = made.enrol().instance
        made.put(first, list(range(now - 120 * MINUTE, now - 40 * MINUTE, 10_000)))
        made.put(first, list(range(now - 25 * MINUTE, now, 10_000)))
        made.put(second, list(range(now - 55 * MINUTE, now, 15_000)), "cpu", "memory")
        made.put(private, [now - 1000, now])
        yield Served(made, first, second, private)


@pytest.fixture
def page(watched: Watched, served: Served) -> Page:
    """Both open servers over the last hour, drawn."""
    watched.page.goto(f"{served.dashboard.url}/compare?instance={served.first}&instance={served.second}&range=1h")
    expect(numbers(watched.page, "cpu", 0).nth(1)).to_have_text(re.compile(r"\d"))
    return watched.page


def numbers(page: Page, chart: str, line: int) -> Any:
    """Cells of the numbers of one line."""
    return page.locator(f"[data-chart={chart}] .numbers tbody tr").nth(line).locator("td")


def screenshot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"compare-{name}.png", full_page=True)


def test_two_machines_on_the_same_axes_with_their_numbers(page: Page, served: Served) -> None:
    for chart in CHARTS:
        assert page.locator(f"[data-chart={chart}] canvas").count() == 1
        names = page.locator(f"[data-chart={chart}] .numbers tbody th").all_inner_texts()
        assert [name.strip() for name in names] == [alias_of(served.first), alias_of(served.second)]
    for line in (0, 1):
        shown = [float(text.rstrip("%  ")) for text in numbers(page, "cpu", line).all_inner_texts()]
        _, mean, median, p95, least, most = shown
        assert least <= median <= p95 <= most and least <= mean <= most
        assert 35 < float(numbers(page, "memory", line).nth(1).inner_text().rstrip("%  ")) < 50
    assert numbers(page, "read", 1).all_inner_texts() == ["–"] * 6, "it sent nothing of its disks"
    screenshot(page, "two")


def test_lines_differ_by_their_dashes_too(page: Page) -> None:
    dashes = page.eval_on_selector_all(
        "[data-chart=cpu] .stroke line", "lines => lines.map((line) => line.getAttribute('stroke-dasharray'))"
    )
    assert len(set(dashes)) == 2


def test_the_table_behind_says_gaps(page: Page) -> None:
    cpu = page.locator("[data-chart=cpu]")
    cpu.get_by_text("Show as table").click()
    expect(cpu.locator(".values .gap").first).to_have_text("no samples")
    assert cpu.locator(".values thead th").count() == 3


def test_the_line_is_moved_by_keys(page: Page) -> None:
    page.get_by_role("group", name="CPU busy").focus()
    page.keyboard.press("ArrowLeft")
    for chart in CHARTS:
        expect(page.locator(f"[data-chart={chart}] [data-role=when]")).to_have_text(re.compile(r"\d\d:\d\d"))


def test_one_machine_at_two_times(watched: Watched, served: Served) -> None:
    page = watched.page
    page.goto(f"{served.dashboard.url}/compare?instance={served.first}&range=1h")
    expect(page.get_by_text("compare this one with itself")).to_be_visible()
    page.get_by_label("Against the same machine").select_option("1h")
    page.wait_for_url("**earlier=1h**")
    expect(page.locator("[data-chart=cpu] .numbers tbody th").nth(1)).to_have_text(f"{alias_of(served.first)} −1h")
    expect(numbers(page, "cpu", 1).nth(1)).to_have_text(re.compile(r"\d"))


def test_a_machine_is_added_by_name_and_taken_out(watched: Watched, served: Served) -> None:
    page = watched.page
    page.goto(f"{served.dashboard.url}/compare")
    for name in ("a.example:9100", alias_of(served.second)):
        page.get_by_label("Add a machine").fill(name)
        page.get_by_role("button", name="Show").click()
    expect(page.locator("#chosen li")).to_have_count(2)
    assert served.first in page.url and served.second in page.url
    page.get_by_role("link", name=f"Take {alias_of(served.first)} out").click()
    expect(page.locator("#chosen li")).to_have_count(1)
    page.get_by_label("Add a machine").fill(alias_of(served.private))
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No machine that you may see is called")).to_be_visible()


@pytest.mark.parametrize("lang", ["en", "pl"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (768, 1024), (375, 812)])
def test_it_fits(browser: Browser, served: Served, width: int, height: int, theme: str, lang: str) -> None:
    watched = Watched(browser, width, height)
    query = f"instance={served.first}&instance={served.second}&range=1h&theme={theme}&lang={lang}"
    watched.page.goto(f"{served.dashboard.url}/compare?{query}")
    expect(numbers(watched.page, "cpu", 0).nth(1)).to_have_text(re.compile(r"\d"))
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    screenshot(watched.page, f"{width}-{theme}-{lang}")
    watched.check(served.dashboard.url)
