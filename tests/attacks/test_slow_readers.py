"""Readers who take forever hold a bounded number of places, and strangers hold none of those who belong here."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from consent.wire import EXPORT_TAG, Problem
from server.admission import Admission
from server.api.state import attach, state
from server.runtime import Runtime
from tests.server.installation import Volunteer
from tests.server.problems import check_problem

EXPORTS = "/api/v1/exports"


@pytest.fixture
def taken(app: Flask) -> Iterator[Callable[[str], None]]:
    """``taken("downloads")``: every place of that room is held by somebody slow."""
    with ExitStack() as held:

        def take(room: str) -> None:
            full = Admission(1)
            held.enter_context(full.enter())
            with app.app_context():
                of_all = replace(state(), downloads=full)
                attach(app, of_all if room == "downloads" else replace(state(), public_downloads=full))

        yield take


def copy_of(volunteer: Volunteer) -> int:
    """The status of a signed request for everything."""
    headers = volunteer.headers(b"{}", path=EXPORTS, tag=EXPORT_TAG)
    return volunteer.http.post(EXPORTS, data=b"{}", headers=headers).status_code


def rows_of(instance: str) -> str:
    return f"/api/v1/rows?instance={instance}&table=memory&start=0&end=9000000000000"


def test_every_copy_of_everything_needs_a_place(
    taken: Callable[[str], None], volunteer: Volunteer, signed_in: Callable[..., FlaskClient]
) -> None:
    assert volunteer.send(volunteer.batch()).status_code == 201
    browser = signed_in("volunteer", instance=volunteer.instance)
    assert copy_of(volunteer) == browser.get("/own/samples.ndjson").status_code == 200
    taken("downloads")
    assert copy_of(volunteer) == 429
    for path in ("/own/samples.ndjson", "/own/everything.zip", rows_of(volunteer.instance)):
        answer = browser.get(path)
        check_problem(answer, Problem.SLOW_DOWN)
        assert int(answer.headers["Retry-After"]) > 0
    assert volunteer.post_withdrawal().status_code == 200, "leaving is always possible"


def test_strangers_take_nobody_elses_place(
    taken: Callable[[str], None], runtime: Runtime, volunteer: Volunteer, signed_in: Callable[..., FlaskClient]
) -> None:
    assert volunteer.send(volunteer.batch()).status_code == 201
    open_server = runtime.registry.source_instance("build.example.org")
    taken("public_downloads")
    check_problem(volunteer.http.get(rows_of(open_server)), Problem.SLOW_DOWN)
    assert copy_of(volunteer) == 200
    assert signed_in("volunteer", instance=volunteer.instance).get(rows_of(volunteer.instance)).status_code == 200
