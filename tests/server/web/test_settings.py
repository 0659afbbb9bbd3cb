"""Language, theme, units and zone: who decides, what stands in the URL, and that a choice stays without a script."""

import html
import re
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.runtime import Runtime
from server.web.locale import locale_of_request
from server.web.pages import NAVIGATION
from server.web.settings import SETTINGS, in_force, kept_query
from tests.server.installation import Volunteer
from tests.server.web.test_overview import imported

HOSTILE = ["", "x", "DARK", "dark ", '"><script>', "../../en", "dark\r\nSet-Cookie: a=b", "\u0000", "a" * 5000]


def link(page: str, name: str, value: str) -> str:
    """The address of a choice of the menu."""
    found = re.search(rf'<a href="([^"]+)" data-setting="{name}" data-value="{value}"', page)
    assert found is not None
    return html.unescape(found[1])


def cookie(http: FlaskClient, name: str) -> str | None:
    found = http.get_cookie(name)
    return None if found is None else found.value


@pytest.mark.parametrize(
    ("query", "kept", "accepted", "expected"),
    [
        ("", "", "", "en"),
        ("", "", "pl", "pl"),
        ("", "", "de, pl;q=0.8, en;q=0.7", "pl"),
        ("", "", "pl-PL,pl;q=0.9,en;q=0.5", "pl"),
        ("", "", "de", "en"),
        ("", "en", "pl", "en"),
        ("?lang=pl", "en", "en", "pl"),
        ("?lang=de", "pl", "en", "pl"),
        ("?lang=", "de", "pl", "pl"),
        ("", "", "*", "en"),
        ("", "", ";;;q=x,,", "en"),
    ],
)
def test_which_language(app: Flask, query: str, kept: str, accepted: str, expected: str) -> None:
    headers = {"Accept-Language": accepted} | ({"Cookie": f"lang={kept}"} if kept else {})
    with app.test_request_context(f"/{query}", headers=headers):
        assert locale_of_request() == expected


@pytest.mark.parametrize("name", SETTINGS)
def test_the_url_wins_over_the_cookie(app: Flask, name: str) -> None:
    usual, other, *_ = SETTINGS[name]
    for query, kept, expected in ((other, usual, other), (usual, other, usual), ("", other, other), ("", "", usual)):
        with app.test_request_context(f"/?{name}={query}", headers={"Cookie": f"{name}={kept}"}):
            assert in_force(name) == expected


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("name", ["lang", *SETTINGS])
def test_a_value_that_is_not_known_is_as_if_it_were_not_said(http: FlaskClient, name: str, value: str) -> None:
    http.set_cookie("units", "si")
    answer = http.get("/", query_string={name: value, "set": name})
    assert answer.status_code in (200, 302) and "Set-Cookie" not in answer.headers or cookie(http, name) in (None, "si")
    page = http.get("/", query_string={name: value})
    assert '<html lang="en" data-theme="auto">' in page.text and 'data-units="si" data-zone="local"' in page.text
    assert "<script>" not in page.text
    if value:
        assert value not in [kept for _, kept in parse_qsl(urlsplit(kept_of(page.text)).query)]


def kept_of(page: str) -> str:
    """Where the brand leads."""
    found = re.search(r'<a class="brand" href="([^"]+)"', page)
    assert found is not None
    return html.unescape(found[1])


def test_a_choice_without_a_script_stays(http: FlaskClient) -> None:
    page = http.get("/compare?range=6h").text
    answer = http.get(link(page, "units", "iec"))
    assert (answer.status_code, answer.location) == (302, "/compare?range=6h&units=iec")
    assert cookie(http, "units") == "iec" and 'data-units="iec"' in http.get("/").text
    back = http.get(link(http.get(answer.location).text, "units", "auto"))
    assert back.location == "/compare?range=6h" and cookie(http, "units") is None
    assert 'data-units="auto"' in http.get("/").text


def test_the_cookie_lasts_a_year_and_belongs_to_this_site(http: FlaskClient) -> None:
    said = http.get("/?zone=utc&set=zone").headers["Set-Cookie"]
    assert "Max-Age=31536000" in said and "SameSite=Lax" in said and "Path=/" in said


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_a_link_from_elsewhere_changes_nothing_for_later(http: FlaskClient, site: str) -> None:
    answer = http.get("/?theme=dark&set=theme", headers={"Sec-Fetch-Site": site})
    assert answer.location == "/?theme=dark" and "Set-Cookie" not in answer.headers
    assert "Set-Cookie" not in http.get("/?theme=dark").headers


def test_the_answer_never_leads_to_another_host(http: FlaskClient) -> None:
    for path in ("//evil.example/", "/machines/%2F%2Fevil.example", "/machines/a%3Fb%23c", "/\\evil.example"):
        location = http.get(f"{path}?units=si&set=units").headers.get("Location", "/")
        assert urlsplit(location).netloc in ("", "localhost") and not location.startswith(("//", "/\\"))


def test_a_chosen_language_stays_in_the_address_unless_the_browser_asks_for_it(http: FlaskClient) -> None:
    english, polish = {"Accept-Language": "en"}, {"Accept-Language": "pl"}
    to_polish = link(http.get("/", headers=english).text, "lang", "pl")
    assert http.get(to_polish, headers=english).location == "/?lang=pl"
    page = http.get("/", headers=english).text
    assert '<html lang="pl"' in page, "the cookie"
    assert kept_of(page) == "/?lang=pl", "a copied link carries it"
    assert kept_of(http.get("/", headers=polish).text) == "/"
    assert http.get(to_polish, headers=polish).location == "/" and cookie(http, "lang") is None


def test_links_of_the_frame_take_along_what_was_chosen(http: FlaskClient) -> None:
    http.set_cookie("units", "si")
    page = http.get("/?zone=utc&theme=auto").text
    for address in (kept_of(page), html.unescape(re.findall(r'href="(/compare[^"]*)"', page)[0])):
        assert dict(parse_qsl(urlsplit(address).query)) == {"theme": "auto", "units": "si", "zone": "utc"}


def test_what_stands_in_the_url_wins_over_the_cookie_on_the_next_page_too(app: Flask) -> None:
    with app.test_request_context("/?units=auto", headers={"Cookie": "units=si"}):
        assert kept_query() == "?units=auto"


def test_a_posted_form_is_never_taken_for_a_choice(http: FlaskClient) -> None:
    assert http.post("/withdraw?units=si&set=units", data={"code": "x"}).status_code == 422


def test_every_page_of_the_navigation_is_there(app: Flask) -> None:
    assert [endpoint for endpoint, _, _ in NAVIGATION if endpoint not in app.view_functions] == []


def test_the_navigation_says_where_one_is(http: FlaskClient, runtime: Runtime) -> None:
    (instance,) = imported(runtime, "a.example")
    assert re.findall(r'href="([^"]+)" aria-current="(page|true)">', http.get("/compare").text) == [
        ("/compare", "page")
    ]
    assert ("/", "true") in re.findall(r'href="([^"]+)" aria-current="(\w+)">', http.get(f"/machines/{instance}").text)


def test_the_footer_says_what_becomes_of_the_data(http: FlaskClient) -> None:
    assert "Samples older than 24 hours are deleted at midnight." in http.get("/").text
    polish = http.get("/?lang=pl").text
    assert "Próbki starsze niż 24 godziny są usuwane o północy." in polish and "Licencja MIT" in polish


def test_a_volunteers_navigation_leads_to_their_machine(
    signed_in: Callable[..., FlaskClient], sending: Volunteer
) -> None:
    page = signed_in("volunteer", instance=sending.instance).get("/own").text
    assert f'<a href="/machines/{sending.instance}">My machine</a>' in page
    assert '<a href="/own" aria-current="page">My data</a>' in page
