"""A volunteer's machine that says it has a great many cores, or a disk whose name is a formula."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from consent.catalogue import TABLES
from server.row_formats import plain_text, safe_text
from server.runtime import Runtime
from server.store.answer import MOST_NUMBERS
from server.store.protocol import STATISTICS, series_columns
from tests.server.batches import encoded
from tests.server.installation import Volunteer


def batch(volunteer: Volunteer, table: str, parts: list[Any]) -> bytes:
    """One moment of all parts."""
    time_ms = volunteer.clock() - 5000
    part = TABLES[table].part
    assert part is not None
    columns = {"time": [time_ms] * len(parts), part.name: parts}
    columns |= {column.name: [0.5] * len(parts) for column in TABLES[table].columns}
    head = {"format": 1, "instance": volunteer.instance, "record": volunteer.record_id, "sequence": 1}
    return encoded({**head, table: columns})


@pytest.fixture
def browser(volunteer: Volunteer, signed_in: Callable[..., FlaskClient]) -> FlaskClient:
    return signed_in("volunteer", instance=volunteer.instance)


def asked(volunteer: Volunteer, points: int, path: str = "series") -> str:
    end = volunteer.clock() // 1000 * 1000
    return (
        f"/api/v1/{path}?instance={volunteer.instance}&table=cpu&by=part&points={points}"
        f"&start={end - (points - 1) * 1000}&end={end}"
    )


@pytest.mark.parametrize("path", ["series", "series.csv"])
def test_a_series_of_too_many_cores_is_refused_before_it_is_made(
    volunteer: Volunteer, browser: FlaskClient, path: str
) -> None:
    assert volunteer.send(batch(volunteer, "cpu", list(range(100)))).status_code == 201
    refused = browser.get(asked(volunteer, 3000, path))
    assert refused.status_code == 422
    assert (refused.get_json()["type"], refused.get_json()["path"]) == ("invalid-request", "points")
    assert browser.get(asked(volunteer, 480, path)).status_code == 200


def test_what_a_page_asks_of_a_large_machine_fits() -> None:
    numbers_of_a_core = 480 * len(STATISTICS) * len(series_columns(TABLES["cpu"]))
    assert MOST_NUMBERS // numbers_of_a_core >= 500


@pytest.mark.parametrize("name", ["sda;=1+1", "a; @b", ";'", "=1;-1", "';'=1", ";"])
def test_no_cell_begins_with_a_formula_where_the_semicolon_parts_cells(name: str) -> None:
    cell = safe_text(name)
    assert not any(piece.lstrip().startswith(("=", "+", "-", "@")) for piece in cell.split(";"))
    assert plain_text(cell) == name


def test_rows_of_a_disk_with_a_formula_in_its_name(volunteer: Volunteer, browser: FlaskClient) -> None:
    assert volunteer.send(batch(volunteer, "disk", ["sda;=1+1;"])).status_code == 201
    span = f"start=0&end={volunteer.clock()}"
    rows = browser.get(f"/api/v1/rows?instance={volunteer.instance}&table=disk&{span}").text
    assert "sda;'=1+1;," in rows and ";=" not in rows


def test_a_page_with_a_link_to_the_own_machine_is_not_kept(
    volunteer: Volunteer, browser: FlaskClient, runtime: Runtime
) -> None:
    assert runtime.registry.consent_of(volunteer.instance) is not None
    for path in ("/", "/compare", "/docs/api", "/own", "/withdraw", "/nowhere", f"/machines/{volunteer.instance}"):
        answered = browser.get(path, follow_redirects=True)
        assert answered.headers["Cache-Control"] == "no-store", path
