"""The compare page as HTML: whom it shows, and how a name finds its machine."""

import re

from flask.testing import FlaskClient

from consent.alias import alias_of
from server.runtime import Runtime
from server.web.compare import MOST
from tests.server.installation import Volunteer
from tests.server.web.test_overview import imported


def _chosen(page: str) -> list[str]:
    return re.findall(r'<li data-instance="([^"]+)"', page)


def test_only_machines_that_the_viewer_may_see(http: FlaskClient, runtime: Runtime, sending: Volunteer) -> None:
    first, second = imported(runtime, "a", "b")
    page = http.get(f"/compare?instance={first}&instance={sending.instance}&instance={second}&instance=x").text
    assert _chosen(page) == [first, second]
    assert alias_of(sending.instance) not in page


def test_at_most_six(http: FlaskClient, runtime: Runtime) -> None:
    instances = imported(runtime, *"abcdefgh")
    page = http.get("/compare?" + "&".join(f"instance={each}" for each in instances)).text
    assert _chosen(page) == instances[:MOST]
    assert 'name="add"' not in page


def test_a_name_leads_to_its_machine(http: FlaskClient, runtime: Runtime, sending: Volunteer) -> None:
    first, second = imported(runtime, "a.example", "b.example")
    answer = http.get(f"/compare?instance={first}&range=6h&add=B.EXAMPLE")
    assert answer.location == f"/compare?instance={first}&instance={second}&range=6h"
    refused = http.get(f"/compare?add={alias_of(sending.instance)}")
    assert refused.status_code == 200 and "No machine that you may see is called" in refused.text
    assert "&lt;b&gt;" in http.get("/compare?add=<b>").text
