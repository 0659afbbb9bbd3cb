"""The volunteer's page: what was agreed to, what is held, everything to take along; and nobody else's."""

import html
import io
import json
import re
import zipfile
from collections.abc import Callable

from flask.testing import FlaskClient

from consent.chain import Documents, verify_chain
from server.runtime import Runtime
from tests.server.installation import Volunteer

SignedIn = Callable[..., FlaskClient]


def test_it_shows_the_consent_and_what_is_held(signed_in: SignedIn, enrolled: Callable[..., Volunteer]) -> None:
    volunteer = enrolled("cpu", "memory")
    volunteer.send(volunteer.batch(tables=("cpu", "memory"), samples=4))
    page = signed_in("volunteer", instance=volunteer.instance).get("/own?lang=en").text
    assert "Test operator" in page and "1.0.0 (en)" in page and "no, never collected" in page
    counts = re.findall(r'<th scope="row">(\w+)</th>\s*<td class="number">(\d+)</td>', page)
    assert counts == [("Processor", "8"), ("Memory", "4")]
    assert "25.0%" in page and "1.00 KiB" in page
    assert not re.findall(r"own\.(?!css)[a-z]+\.", page), "every word is there"


def test_it_speaks_polish(signed_in: SignedIn, sending: Volunteer) -> None:
    page = signed_in("volunteer", instance=sending.instance).get("/own?lang=pl").text
    assert "Na co się zgadzam" in page and not re.findall(r"own\.(?!css)[a-z]+\.", page)


def test_the_documents_are_handed_out_byte_for_byte(signed_in: SignedIn, runtime: Runtime, sending: Volunteer) -> None:
    browser = signed_in("volunteer", instance=sending.instance)
    assert browser.get("/own/record.jws").text == sending.record_jws
    compact = [browser.get(f"/own/{name}.jws").text for name in ("notice", "record", "receipt")]
    assert verify_chain(Documents(*compact)).record.instance_id == sending.instance
    assert browser.get("/own/withdrawal.jws").status_code == browser.get("/own/key.jws").status_code == 404


def test_everything_is_one_file(signed_in: SignedIn, sending: Volunteer) -> None:
    browser = signed_in("volunteer", instance=sending.instance)
    answer = browser.get("/own/everything.zip")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as opened:
        assert opened.testzip() is None
        assert set(opened.namelist()) == {"notice.jws", "record.jws", "receipt.jws", "notice.md", "samples.ndjson"}
        assert opened.read("record.jws").decode() == sending.record_jws
        samples = opened.read("samples.ndjson")
    assert samples == browser.get("/own/samples.ndjson").data
    *rows, end = [json.loads(line) for line in samples.splitlines()]
    assert sum(end["end"].values()) == len(rows) == 3 * (2 + 1 + 2)


def test_nobody_else_learns_anything(
    signed_in: SignedIn, http: FlaskClient, runtime: Runtime, sending: Volunteer, enrolled: Callable[..., Volunteer]
) -> None:
    token_id, _ = runtime.registry.create_token("browser", "operator", None, runtime.now_ms())
    for browser in (http, signed_in("operator", token_id=token_id)):
        page = browser.get("/own")
        assert page.status_code == 403 and sending.instance not in page.text
        for path in ("/own/record.jws", "/own/everything.zip", "/own/samples.ndjson"):
            assert browser.get(path).status_code == 404
    other = enrolled()
    assert sending.instance not in signed_in("volunteer", instance=other.instance).get("/own").text


def test_it_closes_with_the_consent(signed_in: SignedIn, sending: Volunteer) -> None:
    browser = signed_in("volunteer", instance=sending.instance)
    sending.post_withdrawal()
    assert browser.get("/own").status_code == 403
    assert browser.get("/own/everything.zip").status_code == 404


def test_each_granted_table_can_be_taken_along_as_csv(
    signed_in: Callable[..., FlaskClient], sending: Volunteer
) -> None:
    browser = signed_in("volunteer", instance=sending.instance)
    links = re.findall(r'href="(/api/v1/rows\?[^"]+)"', browser.get("/own").text)
    assert len(links) == 3
    for link in links:
        answer = browser.get(html.unescape(link))
        assert answer.status_code == 200 and answer.mimetype == "text/csv" and len(answer.text.splitlines()) > 1
