"""The frame of the pages in a browser: settings, menu, keyboard, no script; numbers as the server writes them."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from server.clock import clock_ms
from server.web import numbers
from server.web.locale import number, t
from tests.e2e.dashboards import Dashboard, Watched, dashboard
from tests.server.web.spoken import AGO, MEMORY, PERCENT, RATE

pytestmark = pytest.mark.e2e

COUNTS = [0, 1, 2, 5, 12, 22, 999, 1234, 9999, 12345, 1234567, 1.5, 0.125, 0.0625, -0.0625, -1234.5, -12345.5]
#: Many sizes, and those in the middle between two ways to round them.
SIZES = [0.5, 2.5, 1125.0, 10_250.0, 1_085_000.0, 0.0625, 999.5, 999_950.0, *(1.37**power for power in range(90))]
NOW = 1_790_000_000_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    with dashboard(tmp_path_factory.mktemp("frame")) as made:
        made.put(made.runtime.registry.source_instance("build.example.org"), [clock_ms() - 60_000])
        yield made


@pytest.fixture
def watched(browser: Browser, site: Dashboard) -> Iterator[Watched]:
    """A browser whose person asks for English; nothing may be complained about."""
    made = Watched(browser, locale="en-GB")
    yield made
    made.check(site.url)


def choose(page: Page, name: str, value: str) -> None:
    page.locator("#settings summary").click()
    page.locator(f"#settings [data-setting={name}][data-value={value}]").click()


def cookies(page: Page) -> dict[str, str]:
    kept: list[Any] = page.context.cookies()
    return {each["name"]: each["value"] for each in kept}


@pytest.mark.parametrize("locale", ["en", "pl"])
@pytest.mark.parametrize("units", ["auto", "iec", "si"])
def test_the_scripts_write_what_the_server_writes(watched: Watched, site: Dashboard, locale: str, units: str) -> None:
    query = f"/?lang={locale}&units={units}"
    watched.page.goto(site.url + query)
    script = """async ([module, name, calls]) => {
        const here = await import(document.querySelector("script[src*='/settings.js']").src.replace("settings", module));
        return calls.map((values) => here[name](...values));
    }"""

    def said(module: str, name: str, calls: list[list[Any]]) -> Any:
        return watched.page.evaluate(script, [module, name, calls])

    with site.app.test_request_context(query):
        ages = [(NOW - age, NOW) for age, _ in AGO]
        assert said("format", "ago", [list(each) for each in ages]) == [numbers.ago(*each) for each in ages]
        ratios = [ratio for ratio, _ in PERCENT] + [each / 4096 for each in range(1, 4096, 31)]
        assert said("format", "percent", [[each] for each in ratios]) == [numbers.percent(each) for each in ratios]
        rates = [rate for rate, _ in RATE] + SIZES
        assert said("format", "rate", [[each] for each in rates]) == [numbers.rate(each) for each in rates]
        sizes = [size for size, _ in MEMORY] + [int(size) for size in SIZES]
        assert said("format", "bytes", [[each] for each in sizes]) == [numbers.memory(each) for each in sizes]
        assert said("format", "count", [[each] for each in COUNTS]) == [number(each) for each in COUNTS]
        key = "common.footer.retention"
        assert said("locale", "t", [[key, {"count": n}] for n in COUNTS]) == [t(key, count=n) for n in COUNTS]


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("en", ["10 s", "1 min", "90 s", "59 min", "1 h", "1 h 30 min", "1,234 h"]),
        ("pl", ["10 s", "1 min", "90 s", "59 min", "1 godz.", "1 godz. 30 min", "1234 godz."]),
    ],
)
def test_spans(watched: Watched, site: Dashboard, locale: str, expected: list[str]) -> None:
    watched.page.goto(f"{site.url}/?lang={locale}")
    spans = [10, 60, 90, 3540, 3600, 5400, 1234 * 3600]
    script = """async (spans) => {
        const format = await import(document.querySelector("script[src*='/settings.js']").src.replace("settings", "format"));
        return spans.map((span) => format.span(span * 1000));
    }"""
    assert watched.page.evaluate(script, spans) == expected


def test_a_choice_shows_at_once_and_stays(watched: Watched, site: Dashboard) -> None:
    page = watched.page
    page.goto(f"{site.url}/?zone=utc")
    choose(page, "theme", "dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.url == f"{site.url}/?zone=utc&theme=dark" and cookies(page) == {"theme": "dark"}
    page.goto(f"{site.url}/compare")
    expect(page).to_have_url(f"{site.url}/compare?theme=dark")  # the cookie says it, the address too
    choose(page, "theme", "auto")
    expect(page).to_have_url(f"{site.url}/compare")
    assert cookies(page) == {}


def test_links_do_not_bring_an_earlier_choice_back(watched: Watched, site: Dashboard) -> None:
    page = watched.page
    page.goto(f"{site.url}/?units=si")
    choose(page, "units", "iec")
    page.get_by_role("link", name="Compare", exact=True).first.click()
    expect(page).to_have_url(f"{site.url}/compare?units=iec")
    expect(page.locator("body")).to_have_attribute("data-units", "iec")


def test_a_language_stands_in_the_address_unless_it_is_the_browsers_own(watched: Watched, site: Dashboard) -> None:
    page = watched.page
    page.goto(f"{site.url}/")
    choose(page, "lang", "pl")
    expect(page).to_have_url(f"{site.url}/?lang=pl")
    expect(page.locator("html")).to_have_attribute("lang", "pl")
    page.goto(f"{site.url}/compare")
    expect(page).to_have_url(f"{site.url}/compare?lang=pl")
    choose(page, "lang", "en")
    expect(page).to_have_url(f"{site.url}/compare")
    assert cookies(page) == {}


def test_settings_stay_without_a_script(browser: Browser, site: Dashboard) -> None:
    watched = Watched(browser, locale="en-GB", java_script_enabled=False)
    page = watched.page
    page.goto(f"{site.url}/")
    choose(page, "units", "si")
    expect(page).to_have_url(f"{site.url}/?units=si")
    expect(page.locator("body")).to_have_attribute("data-units", "si")
    choose(page, "lang", "pl")
    page.get_by_role("link", name="Porównanie").click()
    expect(page).to_have_url(f"{site.url}/compare?lang=pl&units=si")
    page.goto(f"{site.url}/withdraw")
    expect(page.locator("html")).to_have_attribute("lang", "pl")
    assert cookies(page) == {"lang": "pl", "units": "si"}
    watched.check(site.url)


def test_the_menu_by_keyboard(watched: Watched, site: Dashboard) -> None:
    page = watched.page
    page.goto(f"{site.url}/")
    menu, button = page.locator("#settings"), page.locator("#settings summary")
    button.focus()
    page.keyboard.press("Enter")
    expect(menu).to_have_attribute("open", "")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(12):
        page.keyboard.press("Tab")
    expect(menu).not_to_have_attribute("open", "")  # whoever leaves it has closed it
    button.click()
    page.locator("h1").click()
    expect(menu).not_to_have_attribute("open", "")


def test_the_skip_link_comes_first_and_leads_to_the_content(watched: Watched, site: Dashboard) -> None:
    page = watched.page
    page.goto(f"{site.url}/withdraw")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


@pytest.mark.parametrize("path", ["/", "/compare", "/own", "/withdraw"])
def test_landmarks(browser: Browser, site: Dashboard, path: str) -> None:
    watched = Watched(browser)
    watched.page.goto(site.url + path)
    for role in ("banner", "main", "contentinfo"):
        expect(watched.page.get_by_role(role)).to_have_count(1)
    expect(watched.page.get_by_role("navigation", name="Pages", exact=True)).to_have_count(1)
    expect(watched.page.get_by_role("heading", level=1)).to_have_count(1)
    watched.page.context.close()


@pytest.mark.parametrize("width", [375, 768, 1440])
@pytest.mark.parametrize("locale", ["en", "pl"])
def test_the_open_menu_lies_inside_the_window_and_over_nothing_of_the_header(
    browser: Browser, site: Dashboard, width: int, locale: str
) -> None:
    watched = Watched(browser, width=width)
    page = watched.page
    page.goto(f"{site.url}/withdraw?lang={locale}")
    page.locator("#settings summary").click()
    choices = page.locator("#settings .choices").bounding_box()
    assert choices and choices["x"] >= 0 and choices["x"] + choices["width"] <= width
    for part in (".brand", ".pages", ".who", "#settings summary"):
        box = page.locator(part).bounding_box()
        assert box and box["y"] + box["height"] <= choices["y"], part
    watched.check(site.url)


def test_nothing_moves_for_whoever_asks_for_that(browser: Browser, site: Dashboard) -> None:
    site.put(site.runtime.registry.source_instance("build.example.org"), [clock_ms()])
    watched = Watched(browser, reduced_motion="reduce")
    watched.page.goto(f"{site.url}/")
    watched.page.wait_for_selector("#feed[data-state=live]")
    assert watched.page.evaluate("document.getAnimations().length") == 0
    watched.check(site.url)
