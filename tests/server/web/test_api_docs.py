"""The API as a page: every operation of the description is there, with an anchor, its answers and its example."""

import re
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from server.api.openapi import document
from server.web.api_docs import prose
from server.web.locale import words
from server.web.openapi_view import kind_of, tags

OPERATIONS: list[tuple[str, str, dict[str, Any]]] = [
    (method.upper(), path, operation)
    for path, item in document()["paths"].items()
    for method, operation in item.items()
]
NAMES = [operation["operationId"] for _, _, operation in OPERATIONS]


def article(page: str, anchor: str) -> str:
    """The text of one operation."""
    found = re.search(rf'<article[^>]* id="{anchor}".*?</article>', page, re.DOTALL)
    assert found, anchor
    return unescape(re.sub(r"<[^>]+>", "", found[0]))


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMES)
def test_an_operation_says_all_that_the_description_says(
    http: FlaskClient, method: str, path: str, operation: dict[str, Any]
) -> None:
    page = http.get("/docs/api").text
    assert f'href="#{operation["operationId"]}"' in page
    text = article(page, operation["operationId"])
    assert method in text and path in text and operation["summary"] in text
    for said in re.split(r"`", operation.get("description", "")):
        assert said in text
    for status in operation["responses"]:
        assert status in text
    (shown,) = [each for tag in tags() for each in tag.operations if each.anchor == operation["operationId"]]
    for field in (*shown.parameters, *shown.body):
        assert field.name in text and field.kind in text
    for answer in (*shown.good, *shown.bad):
        assert all(name in text for name in (*answer.media, *answer.problems) if name != "application/problem+json")


def test_every_tag_and_operation_stands_once(http: FlaskClient) -> None:
    page = http.get("/docs/api").text
    anchors = re.findall(r'<article[^>]* id="(\w+)"', page)
    assert sorted(anchors) == sorted(NAMES)
    assert re.findall(r'<h2 id="tag-(\w+)"', page) == [tag["name"] for tag in document()["tags"]]
    identifiers = re.findall(r'\sid="([^"]+)"', page)
    assert len(identifiers) == len(set(identifiers))
    for target in re.findall(r'href="#([^"]+)"', page):
        assert target in identifiers


def test_an_example_has_this_servers_address_and_marks_what_is_to_fill_in(http: FlaskClient) -> None:
    page = http.get("/docs/api").text
    assert "{origin}" not in page
    assert "curl 'http://localhost/healthz'" in unescape(page)
    assert "<var>{token}</var>" in page


def test_it_is_in_the_navigation_in_both_languages_and_its_prose_is_marked_as_english(http: FlaskClient) -> None:
    english, polish = http.get("/docs/api?lang=en").text, http.get("/docs/api?lang=pl").text
    for locale, page in (("en", english), ("pl", polish)):
        assert words(locale)["api.parameters"] in page and f'<html lang="{locale}"' in page
        assert re.search(r'href="/docs/api[^"]*" aria-current="page"', page)
    assert words("en")["api.answers"] not in polish
    assert f'<p class="api-summary" lang="en">{OPERATIONS[0][2]["summary"]}</p>' in polish


def test_it_needs_no_script_and_no_other_host(http: FlaskClient) -> None:
    page = http.get("/docs/api").text
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", page)
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert address.startswith(("/", "#")) and not address.startswith("//")


def test_text_of_the_description_is_text() -> None:
    assert prose("a `<b>` & c") == "a <code>&lt;b&gt;</code> &amp; c"


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "integer"}, "integer"),
        ({"type": ["number", "null"], "minimum": 0, "maximum": 1}, "number | null, 0 … 1"),
        ({"type": "integer", "minimum": 1, "maximum": 3000, "default": 300}, "integer, 1 … 3000, default 300"),
        ({"enum": ["", "a", "b"]}, '"a" | "b"'),
        ({"const": True}, "true"),
        ({"type": "array", "items": {"type": ["number", "null"]}}, "(number | null)[]"),
        ({"oneOf": [{"$ref": "#/components/schemas/Time"}, {"type": "null"}]}, "integer | null"),
    ],
)
def test_types_in_a_few_signs(schema: dict[str, Any], kind: str) -> None:
    assert kind_of(schema) == kind
