"""The static files: what they are, what they weigh, and that they call nobody."""

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from server.web.assets import STATIC, assets, version
from server.web.locale import LOCALES, words

VENDOR = "vendor/uplot-1.6.32/"
#: From the npm tarball of uplot 1.6.32.
SHA256 = {
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}
BUDGET = 120 * 1024
#: What every page loads, before anything of its own.
FRAME = ("base.css", "settings.js", "icon.svg", "words/en.js")
FRAME_BUDGET = 14 * 1024
OURS = sorted(path for path in STATIC.rglob("*") if path.is_file() and "vendor" not in path.parts)


@pytest.mark.parametrize("name", SHA256)
def test_uplot_is_what_its_authors_published(name: str) -> None:
    assert hashlib.sha256((STATIC / VENDOR / name).read_bytes()).hexdigest() == SHA256[name]


def test_uplot_comes_with_its_licence() -> None:
    assert "MIT" in (STATIC / VENDOR / "LICENSE").read_text()


def test_the_whole_page_stays_within_its_budget() -> None:
    assert sum(len(asset.compressed) for asset in assets().values()) < BUDGET


def test_what_every_page_loads_is_small() -> None:
    assert sum(len(assets()[name].compressed) for name in FRAME) < FRAME_BUDGET


@pytest.mark.parametrize("locale", LOCALES)
def test_scripts_get_the_words_that_they_ask_for_and_no_page_of_others(locale: str) -> None:
    module = assets()[f"words/{locale}.js"].content.decode()
    spoken = json.loads(module.removeprefix("export default ").removesuffix(";\n"))
    assert {key: words(locale)[key] for key in spoken} == spoken
    areas = {key.partition(".")[0] for key in spoken}
    assert areas >= {"common", "overview"} and not areas & {"own", "api"}


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_nothing_points_to_another_host(path: Path) -> None:
    text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")  # a name, nobody fetches it
    assert not re.search(r"https?:|//[a-z0-9-]+\.[a-z]|@import|url\(", text.replace("https://github.com", ""))


@pytest.mark.parametrize("path", [path for path in OURS if path.suffix == ".js"], ids=lambda path: path.name)
def test_scripts_are_small_and_write_text_only(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith("/**"), "each module says first what it is"
    assert len(text.splitlines()) < 300
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", text)


def test_every_module_that_is_imported_exists() -> None:
    for path in OURS:
        for name in re.findall(r'(?:from|import) "\./([^"]+)"', path.read_text("utf-8")):
            assert (STATIC / name).is_file(), f"{path.name} imports {name}"


def test_files_of_this_release_are_kept_by_browsers(http: FlaskClient) -> None:
    answer = http.get(f"/static/{version()}/format.js", headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert gzip.decompress(answer.data) == (STATIC / "format.js").read_bytes()
    assert http.get("/static/of-another-release/format.js").headers["Cache-Control"] == "no-cache"


def test_a_browser_that_takes_no_gzip_gets_the_file_as_it_is(http: FlaskClient) -> None:
    answer = http.get(f"/static/{version()}/base.css")
    assert "Content-Encoding" not in answer.headers
    assert answer.data == (STATIC / "base.css").read_bytes()


@pytest.mark.parametrize(
    "name", ["../pages.py", "..%2fpages.py", "vendor/uplot-1.6.32/LICENSE", "nothing.js", "/etc/passwd"]
)
def test_only_the_files_that_were_there_are_served(http: FlaskClient, name: str) -> None:
    assert http.get(f"/static/{version()}/{name}").status_code in (404, 308)


def test_the_icon_is_served_to_those_who_do_not_ask_the_page(http: FlaskClient) -> None:
    answer = http.get("/favicon.ico")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/svg+xml"
