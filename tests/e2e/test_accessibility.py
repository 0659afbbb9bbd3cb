"""axe-core finds nothing to complain about on any page, in either theme, on a desktop and on a telephone.

axe-core comes by npm (``make axe``); where npm is not at hand these tests say so and are skipped.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from server.clock import clock_ms
from tests.e2e.conftest import SCREENSHOTS
from tests.e2e.dashboards import Dashboard, Watched, dashboard

AXE = Path(__file__).parent / "axe" / "node_modules" / "axe-core" / "axe.min.js"
MINUTE_MS = 60_000

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: run `make axe` (needs npm)"),
]

#: What axe is asked to leave out, and why: nothing.
RUN = "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"


@dataclass
class Shown:
    """A dashboard with a volunteer's machine that sends, another one, and an open server."""

    site: Dashboard
    own: str
    other: str
    open_server: str

    def pages(self) -> dict[str, tuple[str, str]]:
        """Name to (who looks, path)."""
        both = f"instance={self.own}&instance={self.other}"
        return {
            "overview": ("operator", "/"),
            "overview-public": ("public", "/"),
            "machine": ("operator", f"/machines/{self.own}"),
            "machine-open": ("public", f"/machines/{self.open_server}"),
            "machine-unknown": ("public", f"/machines/{self.own}"),
            "compare": ("operator", f"/compare?{both}"),
            "compare-empty": ("operator", "/compare"),
            "own": ("volunteer", "/own"),
            "own-for-others": ("public", "/own"),
            "withdraw": ("public", "/withdraw"),
            "api": ("public", "/docs/api"),
            "link-used": ("public", "/open/used-up-long-ago"),
        }


PAGES = tuple(Shown(None, "", "", "").pages())  # type: ignore[arg-type]  # the names alone


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """One server for all of them; samples of the last half hour, with a gap."""
    with dashboard(tmp_path_factory.mktemp("accessible")) as site:
        own, other = site.enrol().instance, site.enrol().instance
        open_server = site.runtime.registry.source_instance("build.example.org")
        now = clock_ms()
        times = [at for at in range(now - 30 * MINUTE_MS, now, 5000) if not 10 < (now - at) // MINUTE_MS < 14]
        for instance in (own, other, open_server):
            site.put(instance, times)
        yield Shown(site, own, other, open_server)


def look(browser: Browser, shown: Shown, name: str, *, width: int, theme: str, lang: str = "en") -> Watched:
    """The page as this viewer sees it, once it has settled."""
    who, path = shown.pages()[name]
    watched = Watched(browser, width=width, height=900, reduced_motion="reduce")
    if who != "public":
        link = shown.site.operator_link() if who == "operator" else shown.site.volunteer_link(shown.own)
        watched.page.goto(link)
        watched.page.locator("button[type=submit].primary").click()
    watched.page.goto(f"{shown.site.url}{path}{'&' if '?' in path else '?'}theme={theme}&lang={lang}")
    watched.page.wait_for_load_state("networkidle")
    return watched


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 375])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(browser: Browser, shown: Shown, name: str, width: int, theme: str) -> None:
    watched = look(browser, shown, name, width=width, theme=theme)
    watched.page.evaluate(AXE.read_text("utf-8"))
    violations: list[dict[str, Any]] = watched.page.evaluate(RUN)
    told = [
        f"{found['id']} ({found['impact']}): {found['help']}: "
        + " | ".join(node["html"][:160] for node in found["nodes"][:3])
        for found in violations
    ]
    watched.page.context.close()
    assert not told, "\n".join(told)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_fits_its_window(browser: Browser, shown: Shown, name: str) -> None:
    """No page scrolls sideways at 375, 768 or 1440 px, in either language; the pictures go to screenshots/."""
    SCREENSHOTS.mkdir(exist_ok=True)
    for width, theme, lang in (
        (375, "light", "pl"),
        (768, "dark", "en"),
        (1440, "light", "en"),
        (1440, "dark", "pl"),
        (375, "dark", "en"),
    ):
        watched = look(browser, shown, name, width=width, theme=theme, lang=lang)
        watched.page.screenshot(path=SCREENSHOTS / f"page-{name}-{width}-{theme}-{lang}.png", full_page=True)
        overflow = watched.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        watched.page.context.close()
        assert overflow <= 0, f"{name} is {overflow} px too wide at {width} px in {lang}"
