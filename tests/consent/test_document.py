"""Documents survive the trip through JSON, and anything else is refused with its path."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.document import from_payload, to_payload
from consent.errors import RecordError
from consent.record import ConsentRecord
from tests.consents import sign_consent


@pytest.fixture
def payload(signed_consent: Callable[..., Any]) -> dict[str, Any]:
    return dict(json.loads(json.dumps(to_payload(signed_consent().record))))


def test_round_trip(signed_consent: Callable[..., Any]) -> None:
    record = signed_consent(granted=["memory"]).record
    assert from_payload(ConsentRecord, json.loads(json.dumps(to_payload(record)))) == record


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "unknown field": (lambda p: p.update(hostname="x"), "hostname"),
    "missing field": (lambda p: p.pop("nonce"), "nonce"),
    "deep missing": (lambda p: p["notice"].pop("sha256"), "notice.sha256"),
    "bool for int": (lambda p: p["event"].update(time=True), "event.time"),
    "float for int": (lambda p: p["event"].update(time=1.5), "event.time"),
    "text for bool": (lambda p: p["processing"][1].update(granted="yes"), "processing[1].granted"),
    "text for list": (lambda p: p.update(rights="all"), "rights"),
    "number in list": (lambda p: p["rights"].append(3), "rights[1]"),
    "unknown enum": (lambda p: p["ceremony"].update(method="shouted"), "ceremony.method"),
    "list for object": (lambda p: p.update(notice=[]), "notice"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_path_of_what_is_wrong_is_named(payload: dict[str, Any], name: str) -> None:
    change, path = CHANGES[name]
    change(payload)
    with pytest.raises(RecordError) as caught:
        from_payload(ConsentRecord, payload)
    assert caught.value.path == path


EXAMPLE: dict[str, Any] = json.loads(json.dumps(to_payload(sign_consent().record)))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)


@given(noise=JSON, index=st.integers(0, 20))
def test_any_json_in_any_field_is_a_record_error_or_a_record(noise: Any, index: int) -> None:
    payload = copy.deepcopy(EXAMPLE)
    payload[list(payload)[index]] = noise
    try:
        from_payload(ConsentRecord, payload)
    except RecordError as error:
        assert error.path
