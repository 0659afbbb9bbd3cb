"""An address without a page."""

from flask.testing import FlaskClient


def test_people_get_a_page_that_leads_back(http: FlaskClient) -> None:
    answer = http.get("/machnies?lang=pl")
    assert answer.status_code == 404 and answer.mimetype == "text/html"
    assert "Tu nic nie ma" in answer.text and 'href="/"' in answer.text and "machnies" not in answer.text


def test_programs_get_a_problem(http: FlaskClient) -> None:
    answer = http.get("/api/v1/nothing")
    assert answer.status_code == 404 and answer.mimetype == "application/problem+json"
