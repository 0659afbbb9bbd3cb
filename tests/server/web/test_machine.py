"""The page of one machine before any script runs."""

import json
import re
from collections.abc import Callable
from html import unescape

import pytest
from flask.testing import FlaskClient

from consent.alias import alias_of
from server.runtime import Runtime
from server.web.locale import LOCALES, words
from tests.server.installation import Volunteer
from tests.server.web.test_pages import HOSTILE, import_source, operator_of

SignedIn = Callable[..., FlaskClient]
PANELS = ("cpu", "memory", "swap", "throughput", "operations", "busy")


def test_it_holds_the_machine_its_panels_and_its_newest_values(
    signed_in: SignedIn, runtime: Runtime, sending: Volunteer
) -> None:
    browser, _ = operator_of(runtime, signed_in)
    answer = browser.get(f"/machines/{sending.instance}")
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    assert f">{alias_of(sending.instance)}</h1>" in answer.text
    assert re.findall(r'data-panel="(\w+)"', answer.text) == list(PANELS)
    facts = re.search(r'data-entry="([^"]+)"', answer.text)
    assert facts is not None
    entry = json.loads(unescape(facts[1]))
    assert (entry["instance"], entry["cores"], entry["cpu_busy"]) == (sending.instance, 2, 0.75)
    assert re.search(r'id="missing" hidden', answer.text)


def test_who_may_not_see_it_learns_nothing(
    http: FlaskClient, signed_in: SignedIn, sending: Volunteer, enrolled: Callable[..., Volunteer]
) -> None:
    other = signed_in("volunteer", instance=enrolled().instance)
    answers = [browser.get(f"/machines/{sending.instance}") for browser in (http, other)]
    nowhere = http.get("/machines/nonsense")
    for answer in answers:
        assert answer.status_code == 404
        assert alias_of(sending.instance) not in answer.text and "data-panel" not in answer.text
        assert re.search(r'id="missing" >', answer.text)
    assert answers[0].text == nowhere.text.replace("nonsense", sending.instance)


def test_a_withdrawn_machine_is_gone(signed_in: SignedIn, runtime: Runtime, sending: Volunteer) -> None:
    browser, _ = operator_of(runtime, signed_in)
    assert sending.post_withdrawal().status_code == 200
    assert browser.get(f"/machines/{sending.instance}").status_code == 404


def test_a_machine_without_samples_names_the_next_command(signed_in: SignedIn, volunteer: Volunteer) -> None:
    page = signed_in("volunteer", instance=volunteer.instance).get(f"/machines/{volunteer.instance}")
    assert page.status_code == 200
    assert "sysmetric run" in page.text and re.search(r'id="empty" >', page.text)
    assert re.search(r'id="charts" hidden', page.text)


def test_a_hostile_name_is_only_text(http: FlaskClient, runtime: Runtime) -> None:
    page = http.get(f"/machines/{import_source(runtime, HOSTILE)}").text
    assert "<img src=x" not in page
    assert json.loads(unescape(re.findall(r'data-entry="([^"]+)"', page)[0]))["name"] == HOSTILE


@pytest.mark.parametrize("locale", LOCALES)
def test_it_speaks_both_languages(http: FlaskClient, runtime: Runtime, locale: str) -> None:
    page = http.get(f"/machines/{import_source(runtime, 'a:9100')}?lang={locale}").text
    titles = [unescape(found) for found in re.findall(r'<h2 id="\w+-title">([^<]+)</h2>', page)]
    assert titles == [words(locale)[f"instance.panel.{panel}"] for panel in PANELS]
