"""What a person gets who opens a page, and who gets what."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from consent.alias import alias_of
from server.links import LIFETIME_MS, Grant
from server.runtime import Runtime
from server.store.protocol import StoredBatch
from server.api.viewer import Viewer, may_see
from tests.server.batches import batch_document
from tests.server.installation import Clock, Volunteer

SignedIn = Callable[..., FlaskClient]
HOSTILE = "<img src=x onerror=alert(1)>\"'&amp;"


def import_source(runtime: Runtime, name: str) -> str:
    """An open server with one stored batch; its instance."""
    instance = runtime.registry.source_instance(name)
    document = batch_document(["memory"], instance=instance, first_ms=runtime.now_ms() - 5000)
    runtime.store.append([StoredBatch(instance, 1, bytes(32), {"memory": document["memory"]})])
    return instance


def operator_of(runtime: Runtime, signed_in: SignedIn) -> tuple[FlaskClient, str]:
    token_id, _ = runtime.registry.create_token("browser", "operator", None, runtime.now_ms())
    return signed_in("operator", token_id=token_id), token_id


def seen(browser: FlaskClient, *instances: str) -> list[bool]:
    """Which of these machines the page and the API both show; they never differ."""
    page = browser.get("/").text
    api = [entry["instance"] for entry in browser.get("/api/v1/instances").get_json()["instances"]]
    in_page = [instance in page and alias_of(instance) in page for instance in instances]
    assert in_page == [instance in api for instance in instances]
    return in_page


@pytest.mark.parametrize(
    ("viewer", "expected"),
    [
        (Viewer("operator"), [True, True, True]),
        (Viewer("volunteer", "own"), [True, False, False]),
        (Viewer("public"), [False, False, True]),
    ],
)
def test_who_may_see_what(viewer: Viewer, expected: list[bool]) -> None:
    assert [may_see(viewer, instance, {"open"}) for instance in ("own", "other", "open")] == expected


def test_everybody_sees_open_servers_only(http: FlaskClient, runtime: Runtime, sending: Volunteer) -> None:
    source = import_source(runtime, "demo:9100")
    assert seen(http, sending.instance, source) == [False, True]
    assert "demo:9100" in http.get("/").text


def test_a_volunteer_sees_their_own_machine_and_how_to_stop(
    signed_in: SignedIn, runtime: Runtime, sending: Volunteer, enrolled: Callable[..., Volunteer]
) -> None:
    other = enrolled()
    assert other.send(other.batch()).status_code == 201
    source = import_source(runtime, "demo:9100")
    browser = signed_in("volunteer", instance=sending.instance)
    assert seen(browser, sending.instance, other.instance, source) == [True, False, False]
    assert "sysmetric consent revoke" in browser.get("/").text


def test_the_operator_sees_all(signed_in: SignedIn, runtime: Runtime, sending: Volunteer) -> None:
    source = import_source(runtime, "demo:9100")
    browser, _ = operator_of(runtime, signed_in)
    assert seen(browser, sending.instance, source) == [True, True]


def test_a_session_ends_with_the_consent(signed_in: SignedIn, sending: Volunteer) -> None:
    browser = signed_in("volunteer", instance=sending.instance)
    assert seen(browser, sending.instance) == [True]
    assert sending.post_withdrawal().status_code == 200
    assert seen(browser, sending.instance) == [False]
    assert "Public view" in browser.get("/").text


def test_a_session_ends_when_the_consent_has_run_out(signed_in: SignedIn, sending: Volunteer, clock: Clock) -> None:
    browser = signed_in("volunteer", instance=sending.instance)
    clock.now_ms += 31 * 86_400_000
    assert "Public view" in browser.get("/").text


def test_a_session_ends_with_the_token(signed_in: SignedIn, runtime: Runtime, sending: Volunteer) -> None:
    browser, token_id = operator_of(runtime, signed_in)
    assert seen(browser, sending.instance) == [True]
    runtime.registry.revoke_token(token_id, runtime.now_ms())
    assert seen(browser, sending.instance) == [False]


def test_a_session_of_the_operator_ends_when_the_token_expires(
    signed_in: SignedIn, runtime: Runtime, clock: Clock
) -> None:
    token_id, _ = runtime.registry.create_token("short", "operator", clock() + 60_000, clock())
    browser = signed_in("operator", token_id=token_id)
    assert "Operator" in browser.get("/").text
    clock.now_ms += 60_000
    assert "Public view" in browser.get("/").text


def test_looking_at_a_link_does_not_use_it_up(app: Flask, runtime: Runtime, sending: Volunteer) -> None:
    token, _ = runtime.links.create(Grant("volunteer", instance=sending.instance))
    browser = app.test_client()
    for _ in range(2):
        preview = browser.get(f"/open/{token}")
        assert preview.status_code == 200 and "Set-Cookie" not in preview.headers
    pressed = browser.post(f"/open/{token}")
    assert pressed.status_code == 303
    assert pressed.location == f"/machines/{sending.instance}"
    assert seen(browser, sending.instance) == [True]


def test_a_link_works_once_and_then_says_how_to_get_another(app: Flask, runtime: Runtime, sending: Volunteer) -> None:
    token, _ = runtime.links.create(Grant("volunteer", instance=sending.instance))
    assert app.test_client().post(f"/open/{token}").status_code == 303
    second = app.test_client()
    refused = second.post(f"/open/{token}")
    assert refused.status_code == 410
    assert "sysmetric dashboard" in refused.text
    assert seen(second, sending.instance) == [False]


def test_an_old_link_opens_nothing(app: Flask, runtime: Runtime, sending: Volunteer, clock: Clock) -> None:
    token, _ = runtime.links.create(Grant("volunteer", instance=sending.instance))
    clock.now_ms += LIFETIME_MS
    assert app.test_client().post(f"/open/{token}").status_code == 410


def test_another_link_replaces_the_session(signed_in: SignedIn, runtime: Runtime, sending: Volunteer) -> None:
    browser, _ = operator_of(runtime, signed_in)
    token, _ = runtime.links.create(Grant("volunteer", instance=sending.instance))
    assert browser.post(f"/open/{token}").status_code == 303
    assert "Volunteer" in browser.get("/").text


def test_signing_out(signed_in: SignedIn, sending: Volunteer) -> None:
    browser = signed_in("volunteer", instance=sending.instance)
    assert browser.get("/sign-out").status_code == 405
    assert browser.post("/sign-out").status_code == 303
    assert seen(browser, sending.instance) == [False]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_another_site_can_neither_sign_in_nor_out(
    app: Flask, signed_in: SignedIn, runtime: Runtime, sending: Volunteer, headers: dict[str, str]
) -> None:
    token, _ = runtime.links.create(Grant("volunteer", instance=sending.instance))
    assert app.test_client().post(f"/open/{token}", headers=headers).status_code == 422
    assert runtime.links.consume(token) is not None, "the link still works"
    browser = signed_in("volunteer", instance=sending.instance)
    assert browser.post("/sign-out", headers=headers).status_code == 422
    assert seen(browser, sending.instance) == [True]


def test_the_session_cookie_is_out_of_reach_of_scripts(app: Flask, runtime: Runtime, sending: Volunteer) -> None:
    token, _ = runtime.links.create(Grant("volunteer", instance=sending.instance))
    cookie = app.test_client().post(f"/open/{token}").headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie


@pytest.mark.parametrize("path", ["/", "/open/abc"])
def test_the_policy_lets_nothing_in_from_elsewhere(http: FlaskClient, path: str) -> None:
    answer = http.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "style-src 'self'" in policy
    assert "unsafe" not in policy and "*" not in policy and "http" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", answer.text)
    assert all(" src=" in script for script in re.findall(r"<script[^>]*>", answer.text))


def test_a_hostile_name_is_only_text(http: FlaskClient, runtime: Runtime) -> None:
    import_source(runtime, HOSTILE)
    page = http.get("/").text
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


@pytest.mark.parametrize(
    ("query", "cookie", "expected"),
    [
        ("", None, "auto"),
        ("?theme=dark", None, "dark"),
        ("", "light", "light"),
        ("?theme=dark", "light", "dark"),
        ('?theme="><b>', "x", "auto"),
    ],
)
def test_the_theme_is_there_before_any_script(http: FlaskClient, query: str, cookie: str | None, expected: str) -> None:
    if cookie:
        http.set_cookie("theme", cookie)
    assert f'<html lang="en" data-theme="{expected}">' in http.get(f"/{query}").text


def test_an_empty_page_names_the_next_command(
    http: FlaskClient, signed_in: SignedIn, runtime: Runtime, volunteer: Volunteer
) -> None:
    assert "sysmetric-server import FILE" in http.get("/").text
    assert "sysmetric consent give URL" in http.get("/").text
    operator, _ = operator_of(runtime, signed_in)
    assert "sysmetric-server invite create" in operator.get("/").text
    assert "sysmetric run" in signed_in("volunteer", instance=volunteer.instance).get("/").text


def test_a_bad_token_is_refused_rather_than_ignored(http: FlaskClient, operator_token: str, sending: Volunteer) -> None:
    def listed(token: str) -> int:
        return http.get("/api/v1/instances", headers={"Authorization": f"Bearer {token}"}).status_code

    assert listed(operator_token) == 200
    assert listed(operator_token[:-1] + "~") == 401
    assert sending.instance in http.get("/api/v1/instances", headers={"Authorization": f"Bearer {operator_token}"}).text
