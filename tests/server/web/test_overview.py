"""The overview as HTML: what is there before any script. Who sees what is in ``test_pages.py``."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from consent.alias import alias_of
from server.runtime import Runtime
from server.store.protocol import StoredBatch
from server.web.overview import PAGE_SIZE, address, asked, next_sort
from tests.server.batches import batch_document


def imported(runtime: Runtime, *names: str) -> list[str]:
    instances = [runtime.registry.source_instance(name) for name in names]
    document = batch_document(["memory"], first_ms=runtime.now_ms() - 5000)
    runtime.store.append([StoredBatch(each, 1, bytes(32), {"memory": document["memory"]}) for each in instances])
    return instances


def _rows(page: str) -> list[str]:
    return re.findall(r'<tr data-instance="([^"]+)"', page)


def test_rows_have_their_values_and_lead_to_their_machine(http: FlaskClient, runtime: Runtime) -> None:
    (instance,) = imported(runtime, "a.example:9100")
    page = http.get("/").text
    assert _rows(page) == [instance]
    assert f'href="/machines/{instance}">{alias_of(instance)}</a><small>a.example:9100</small>' in page
    assert ">open server</span>" in page and 'data-state="live"><span>live</span>' in page
    assert "s ago</time>" in page and "<span>0.0%</span>" not in page


def test_pages_of_fifty_with_links_to_turn_them(http: FlaskClient, runtime: Runtime) -> None:
    everything = set(imported(runtime, *(f"node-{number:03}" for number in range(PAGE_SIZE + 1))))
    first, second = http.get("/?sort=-name").text, http.get("/?sort=-name&page=2").text
    assert (len(_rows(first)), len(_rows(second))) == (PAGE_SIZE, 1)
    assert set(_rows(first) + _rows(second)) == everything
    assert re.search(r'rel="next"[^>]+href="/\?sort=-name&amp;page=2"', first)
    assert re.search(r'rel="next"[^>]+aria-disabled', second) and "Page 2 of 2" in second


def test_filter_sorting_and_marks_go_along(http: FlaskClient, runtime: Runtime) -> None:
    one, _ = imported(runtime, "one", "two")
    page = http.get(f"/?q=one&sort=-cpu&theme=dark&mark={one}").text
    assert _rows(page) == [one]
    assert f'href="/?q=one&amp;sort=cpu&amp;theme=dark&amp;mark={one}"' in page, "pressed again, the other way"
    assert 'name="q" type="search" value="one"' in page and 'aria-sort="descending"' in page
    assert re.search(rf'value="{one}"[^>]+checked', page)


def test_what_does_not_fit_is_ignored() -> None:
    question = asked(MultiDict({"sort": "colour", "page": "-1", "state": "asleep", "source": "x", "q": "a" * 200}))
    assert (question.sort, question.page, question.state, question.source) == ("name", 1, "", "")
    assert len(question.words) == 100


def test_one_machine_has_a_page_of_its_own_now(http: FlaskClient) -> None:
    answer = http.get("/?instance=abc&range=1h&theme=dark")
    assert (answer.status_code, answer.location) == (302, "/machines/abc?range=1h&theme=dark")
    assert http.get("/?instance=//evil.example").location == "/machines/%2F%2Fevil.example"


@pytest.mark.parametrize(
    ("current", "key", "largest_first", "expected"),
    [
        ("name", "cpu", True, "-cpu"),
        ("-cpu", "cpu", True, "cpu"),
        ("cpu", "cpu", True, "-cpu"),
        ("-cpu", "name", False, "name"),
        ("name", "name", False, "-name"),
    ],
)
def test_the_first_press_brings_the_usual_direction(current: str, key: str, largest_first: bool, expected: str) -> None:
    assert next_sort(current, key, largest_first) == expected


def test_an_address_begins_at_the_first_page(app: Flask) -> None:
    given = MultiDict([("q", "x"), ("page", "7"), ("mark", "a"), ("mark", "b")])
    with app.test_request_context():
        assert address(given, state="live") == "/?q=x&state=live&mark=a&mark=b"
        assert address(given, q="") == "/?mark=a&mark=b"
