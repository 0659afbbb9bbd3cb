"""The same installation and volunteers as the tests of the API."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.links import Grant
from server.runtime import Runtime
from tests.server.api.conftest import *  # pylint: disable=wildcard-import,unused-wildcard-import  # fixtures go by name
from tests.server.installation import Volunteer


@pytest.fixture
def sending(volunteer: Volunteer) -> Volunteer:
    """A volunteer whose samples are stored."""
    assert volunteer.send(volunteer.batch()).status_code == 201
    return volunteer


@pytest.fixture
def signed_in(app: Flask, runtime: Runtime) -> Callable[..., FlaskClient]:
    """``signed_in("volunteer", instance=..)``: a browser that opened such a link."""

    def make(role: Any, **facts: Any) -> FlaskClient:
        browser = app.test_client()
        token, _ = runtime.links.create(Grant(role, **facts))
        assert browser.post(f"/open/{token}").status_code == 303
        return browser

    return make
