"""The list of machines: filtered, sorted and paged by the server. Who sees what is in ``test_reading.py``."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from consent.alias import alias_of
from consent.wire import Problem
from server.api.instances import SORTS, SOURCES, STATES, Question, answered, counts, ordered
from server.runtime import Runtime
from server.store.protocol import StoredBatch
from tests.server.batches import batch_document
from tests.server.installation import Clock, Volunteer
from tests.server.problems import check_problem

_ratio = st.none() | st.floats(0, 1)
_rate = st.none() | st.floats(0, 1e9)


@st.composite
def entries(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Machines as the overview shows them."""
    return [
        {
            "instance": f"id-{number}",
            "alias": draw(st.sampled_from(("amber-otter-42", "keen-fox-10", "wise-owl-11"))),
            "source": draw(st.sampled_from(SOURCES)),
            "state": draw(st.sampled_from(STATES)),
            "last_seen": draw(st.integers(0, 10)),
            "cpu_busy": draw(_ratio),
            "memory_used_ratio": draw(_ratio),
            "disk_bytes_per_second": draw(_rate),
        }
        for number in range(draw(st.integers(0, 12)))
    ]


@given(entries(), st.sampled_from(SORTS), st.integers(1, 5))
def test_the_pages_together_are_the_whole_list_in_order(shown: list[dict[str, Any]], sort: str, size: int) -> None:
    paged: list[dict[str, Any]] = []
    for page in range(1, -(-len(shown) // size) + 1):
        answer = answered(shown, Question(sort=sort, page=page, size=size))
        assert (answer["page"], answer["total"]) == (page, len(shown))
        paged += answer["instances"]
    assert paged == ordered(shown, sort)
    assert sorted(entry["instance"] for entry in paged) == sorted(entry["instance"] for entry in shown)


@given(entries())
def test_values_come_largest_first_or_smallest_first_and_none_last(shown: list[dict[str, Any]]) -> None:
    for sort, turn in (("cpu", 1), ("-cpu", -1)):
        values = [entry["cpu_busy"] for entry in ordered(shown, sort)]
        there = [value for value in values if value is not None]
        assert values == sorted(there, reverse=turn < 0) + [None] * (len(values) - len(there))


@given(entries(), st.sampled_from(SORTS))
def test_equal_values_come_by_alias(shown: list[dict[str, Any]], sort: str) -> None:
    same = [{**entry, "cpu_busy": 0.5, "last_seen": 1, "state": "live", "source": "volunteer"} for entry in shown]
    if sort.removeprefix("-") in ("cpu", "seen", "state", "source"):
        aliases = [entry["alias"] for entry in ordered(same, sort)]
        assert aliases == sorted(aliases)


@given(
    entries(),
    st.sampled_from(("", *STATES)),
    st.sampled_from(("", *SOURCES)),
    st.sampled_from(("", "otter", "OWL 11", "x")),
)
def test_only_what_fits_is_left_and_counts_are_of_all(
    shown: list[dict[str, Any]], state: str, source: str, words: str
) -> None:
    answer = answered(shown, Question(words=words, state=state, source=source))
    assert answer["counts"] == counts(shown)
    assert answer["counts"]["all"] == sum(answer["counts"][name] for name in STATES) == len(shown)
    for entry in shown:
        fits = state in ("", entry["state"]) and source in ("", entry["source"])
        fits = fits and all(word in entry["alias"] for word in words.lower().split())
        assert (entry in answer["instances"]) == fits


def test_a_page_beyond_the_last_is_the_last() -> None:
    assert answered([], Question(page=9, size=50))["page"] == 1
    three = [
        {"instance": name, "alias": name, "source": "volunteer", "state": "live", "last_seen": 1} for name in "abc"
    ]
    answer = answered(three, Question(page=9, size=2))
    assert (answer["page"], [entry["alias"] for entry in answer["instances"]]) == (2, ["c"])


def _imported(runtime: Runtime, name: str, age_ms: int = 0) -> str:
    instance = runtime.registry.source_instance(name)
    document = batch_document(["memory"], instance=instance, first_ms=runtime.now_ms() - age_ms - 5000)
    runtime.store.append([StoredBatch(instance, 1, bytes(32), {"memory": document["memory"]})])
    return instance


def _asked(http: FlaskClient, **parameters: Any) -> Any:
    return http.get("/api/v1/instances", query_string=parameters)


def test_names_and_aliases_are_found_by_typing(http: FlaskClient, runtime: Runtime) -> None:
    first, second = _imported(runtime, "Alpha.example:9100"), _imported(runtime, "beta.example:9100")

    def found(words: str) -> list[str]:
        return sorted(entry["instance"] for entry in _asked(http, q=words).get_json()["instances"])

    assert found("alpha") == [first]
    assert found("open-server EXAMPLE") == sorted([first, second])
    assert found(alias_of(second)[:-3]) == [second]
    assert found("alpha beta") == []


def test_only_named_ones(http: FlaskClient, runtime: Runtime) -> None:
    first, second, _ = (_imported(runtime, name) for name in ("a", "b", "c"))
    answer = http.get(f"/api/v1/instances?instance={first}&instance={second}&instance=unknown").get_json()
    assert {entry["instance"] for entry in answer["instances"]} == {first, second}
    assert (answer["total"], answer["counts"]["all"]) == (2, 3)


def test_states_and_the_newest_sample_of_all(http: FlaskClient, runtime: Runtime, clock: Clock) -> None:
    fresh, old = _imported(runtime, "fresh"), _imported(runtime, "old", 3_600_000)
    answer = _asked(http, state="gone").get_json()
    assert [entry["instance"] for entry in answer["instances"]] == [old]
    assert answer["counts"] == {
        **{"all": 2, "live": 1, "late": 0, "paused": 0, "gone": 1},
        **{"volunteer": 0, "open-server": 2},
    }
    assert clock() - 5000 <= answer["newest"] <= clock()
    assert [entry["instance"] for entry in _asked(http, sort="-seen").get_json()["instances"]] == [fresh, old]


def test_a_paused_machine_is_paused_until_it_samples_again(
    app: Any, operator_token: str, runtime: Runtime, volunteer: Volunteer, clock: Clock
) -> None:
    http = app.test_client()
    http.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {operator_token}"
    volunteer.send(volunteer.batch())
    runtime.registry.note_pause(volunteer.instance, clock(), None)
    (entry,) = _asked(http, state="paused").get_json()["instances"]
    assert entry["state"] == "paused"
    clock.now_ms += 60_000
    volunteer.send(volunteer.batch(2, first_ms=clock()))
    assert [entry["state"] for entry in _asked(http).get_json()["instances"]] == ["live"]


def test_disk_is_read_and_written_together(app: Any, operator_token: str, volunteer: Volunteer) -> None:
    http = app.test_client()
    http.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {operator_token}"
    volunteer.send(volunteer.batch())
    (entry,) = _asked(http).get_json()["instances"]
    together = entry["disk_read_bytes_per_second"] + entry["disk_write_bytes_per_second"]
    assert entry["disk_bytes_per_second"] == together > 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sort", "colour"),
        ("sort", "--cpu"),
        ("page", "0"),
        ("page", "x"),
        ("size", "0"),
        ("size", "201"),
        ("state", "asleep"),
        ("source", "me"),
        ("q", "x" * 101),
        ("instance", "x" * 65),
        ("instance", [str(number) for number in range(101)]),
    ],
)
def test_parameters_that_do_not_fit(http: FlaskClient, name: str, value: Any) -> None:
    assert check_problem(_asked(http, **{name: value}), Problem.INVALID_REQUEST)["path"] == name


def test_live_answers_stay_short_when_asked_to(http: FlaskClient, runtime: Runtime) -> None:
    cursor = http.get("/api/v1/live?after=0").get_json()["cursor"]
    names = {_imported(runtime, name) for name in "abc"}
    assert set(http.get(f"/api/v1/live?after={cursor}&most=3").get_json()["changed"]) == names
    assert http.get(f"/api/v1/live?after={cursor}&most=2").get_json()["changed"] is None
    check_problem(http.get("/api/v1/live?after=0&most=-1"), Problem.INVALID_REQUEST)
