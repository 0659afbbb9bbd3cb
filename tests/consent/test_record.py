"""A record says what was offered and chosen, word for word, and nothing about the person or the machine."""

import dataclasses
import getpass
import json
import platform
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from consent.document import to_payload
from consent.errors import RecordError
from consent.record import Ceremony, Choices, Client, Event, Method, Quiz, Retention
from consent.record_rules import check_matches, check_record, check_uuid, make_record


def _choices(*granted: str, term_days: int = 365) -> Choices:
    return Choices(frozenset(granted), term_days, Ceremony(Method.UNATTENDED, False, 0, Quiz.NOT_ASKED))


def _make(offer: Any, choices: Choices) -> Any:
    return make_record(
        offer,
        choices,
        record_id=str(uuid.uuid4()),
        instance_id=str(uuid.uuid4()),
        nonce="n",
        client=Client("sysmetric", "0.1.0"),
        now_ms=1,
    )


def test_only_what_was_chosen_is_granted(signed_consent: Callable[..., Any]) -> None:
    record = _make(signed_consent().offer, _choices("memory"))
    assert record.granted == {"memory": 1}
    assert [entry.granted for entry in record.processing] == [False, True, False]


def test_a_record_copies_the_offer_word_for_word(signed_consent: Callable[..., Any]) -> None:
    consent = signed_consent()
    check_matches(consent.record, consent.offer)
    for name in ("lawful_basis", "storage_location", "transfers", "jurisdiction", "authority"):
        changed = dataclasses.replace(consent.record, **{name: "something else"})
        with pytest.raises(RecordError, match=name):
            check_matches(changed, consent.offer)
    shorter = dataclasses.replace(consent.record, retention=Retention(1, 1))
    with pytest.raises(RecordError, match="retention"):
        check_matches(shorter, consent.offer)
    faster = tuple(dataclasses.replace(entry, period_seconds=5) for entry in consent.record.processing)
    with pytest.raises(RecordError, match="processing"):
        check_matches(dataclasses.replace(consent.record, processing=faster), consent.offer)


def test_granting_nothing_or_something_not_offered_is_no_record(signed_consent: Callable[..., Any]) -> None:
    offer = signed_consent().offer
    with pytest.raises(RecordError, match="nothing is granted"):
        _make(offer, _choices())
    with pytest.raises(RecordError, match="does not offer"):
        _make(offer, _choices("cpu", "network"))


@pytest.mark.parametrize("days", [0, -1, 367])
def test_a_term_is_positive_and_at_most_twelve_months(signed_consent: Callable[..., Any], days: int) -> None:
    with pytest.raises(RecordError, match="valid_until"):
        _make(signed_consent().offer, _choices("cpu", term_days=days))


def test_malformed_records_are_refused(signed_consent: Callable[..., Any]) -> None:
    record = signed_consent().record
    twice = (*record.processing, record.processing[0])
    unknown = (dataclasses.replace(record.processing[0], table="network"),)
    still = (dataclasses.replace(record.processing[0], period_seconds=0),)
    for change in (
        {"schema_version": "2"},
        {"record_id": "../../etc/passwd"},
        {"instance_id": "A" * 36},
        {"event": Event("withdrawn", 1, 2)},
        {"processing": twice},
        {"processing": unknown},
        {"processing": still},
    ):
        with pytest.raises(RecordError):
            check_record(dataclasses.replace(record, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"client": Client("", "1")},
        {"client": Client("x" * 81, "1")},
        {"client": Client("\x1b]52;c;aGk=\x07", "1")},
        {"client": Client("sysmetric", "1\x9b2J")},
        {"client": Client("sysmetric", "1\u202e")},
        {"client": Client("sysmetric", "\ud800")},
        {"ceremony": Ceremony(Method.PROMPT, True, -1, Quiz.PASSED)},
        {"ceremony": Ceremony(Method.PROMPT, True, 10**300, Quiz.PASSED)},
        {"previous": "<script>"},
        {"previous": "A" * 64},
    ],
)
def test_what_a_volunteer_writes_freely_is_short_and_prints(
    signed_consent: Callable[..., Any], change: dict[str, Any]
) -> None:
    with pytest.raises(RecordError):
        check_record(dataclasses.replace(signed_consent().record, **change))


_SOME_UUID = "40f5dc86-714a-45c4-9892-97e10ce98b91"


@pytest.mark.parametrize("text", ["", "x" * 36, _SOME_UUID.upper(), _SOME_UUID + "\n", "{" + _SOME_UUID + "}"])
def test_only_canonical_uuids_pass(text: str) -> None:
    with pytest.raises(RecordError):
        check_uuid(text, "id")


def test_a_record_names_no_person_and_no_machine(signed_consent: Callable[..., Any]) -> None:
    text = json.dumps(to_payload(signed_consent().record))
    for canary in {platform.node(), getpass.getuser()} - {"", "localhost"}:
        assert f'"{canary}"' not in text
