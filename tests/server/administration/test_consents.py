"""Consents from the operator's side: the proof, what is wrong with it, and ending one."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from consent.chain import Documents, verify_chain
from server.errors import Conflict, NotFound
from server.runtime import Runtime
from server.store.protocol import StoredBatch
from tests.server.installation import Clock, Volunteer

Do = Callable[..., dict[str, Any]]
STRANGER = "5f0c3a52-3a0b-4d1e-9c1d-0a4b5c6d7e8f"


def execute(runtime: Runtime, statement: str, **values: Any) -> None:
    """Somebody tampers with the registry's file."""
    with runtime.registry.writing() as connection:
        connection.execute(text(statement), values)


def store_disk(runtime: Runtime, instance: str) -> None:
    """One row of disk, past the gate."""
    names = ("read_bytes_per_second", "write_bytes_per_second", "reads_per_second", "writes_per_second", "busy")
    columns: dict[str, list[Any]] = {"time": [runtime.now_ms()], "device": ["sda"], **{name: [0.5] for name in names}}
    runtime.store.append([StoredBatch(instance, 9, bytes(32), {"disk": columns})])


def test_the_list_says_who_granted_what(do: Do, volunteer: Volunteer) -> None:
    (entry,) = do("consents-list")["consents"]
    assert (entry["record_id"], entry["state"], entry["instance"]) == (
        volunteer.record_id,
        "given",
        volunteer.instance,
    )
    assert entry["granted"] == {"cpu": 1, "memory": 1}


def test_a_consent_that_ran_out_is_shown_as_expired_at_once(do: Do, volunteer: Volunteer, clock: Clock) -> None:
    assert volunteer.record is not None
    clock.now_ms = volunteer.record.event.valid_until
    assert do("consents-list")["consents"][0]["state"] == "expired"
    assert do("stats")["consents"] == {"expired": 1}


def test_show_opens_the_verified_documents(do: Do, volunteer: Volunteer) -> None:
    found = do("consents-show", record_id=volunteer.record_id)
    assert found["record"]["ceremony"]["seconds"] == 60
    assert found["receipt"]["origin"] == "http://localhost"
    assert found["withdrawal"] is None


def test_what_is_exported_verifies_without_the_server(do: Do, volunteer: Volunteer) -> None:
    volunteer.post_withdrawal()
    files = do("consents-export", record_id=volunteer.record_id)["files"]
    chain = verify_chain(
        Documents(
            files["notice.jws"],
            files["record.jws"],
            files["receipt.jws"],
            files["withdrawal.jws"],
            files["erasure-receipt.jws"],
        )
    )
    assert files["record.jws"] == volunteer.record_jws
    assert chain.erasure_receipt is not None and chain.erasure_receipt.rows["cpu"] == 6


def test_ending_refuses_erases_and_signs(do: Do, volunteer: Volunteer, runtime: Runtime) -> None:
    done = do("consents-terminate", record_id=volunteer.record_id)
    assert done["rows"] == {"cpu": 6, "memory": 3, "disk": 0}
    assert sum(runtime.store.counts().values()) == 0
    assert volunteer.send(volunteer.batch(2, tables=("cpu",))).status_code in (403, 410)
    assert do("consents-terminate", record_id=volunteer.record_id) == done
    assert do("consents-verify")["ok"]
    volunteer.withdrawal_jws = ""
    assert volunteer.post_withdrawal().status_code == 200  # the right to withdraw does not end
    with pytest.raises(Conflict):
        do("consents-terminate", record_id=volunteer.record_id)


def test_everything_holds(do: Do, volunteer: Volunteer) -> None:
    assert do("consents-verify") == {
        "ok": True,
        "consents": [{"record_id": volunteer.record_id, "problem": None}],
        "uncovered": [],
    }


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ('UPDATE consents SET granted = \'{"cpu": 1, "memory": 1, "disk": 1}\'', "grants other tables"),
        ("UPDATE consents SET valid_until_ms = valid_until_ms + 1", "for another time"),
        ("UPDATE consents SET state = 'withdrawn', ended_ms = 1, proof_until_ms = 2", "no withdrawal"),
        ("UPDATE evidence SET sealed = zeroblob(200) WHERE kind = 'receipt'", ""),
        ("DELETE FROM evidence WHERE kind = 'receipt'", ""),
    ],
)
def test_what_was_tampered_with_is_named(
    do: Do, volunteer: Volunteer, runtime: Runtime, statement: str, words: str
) -> None:
    execute(runtime, statement)
    found = do("consents-verify", record_id=volunteer.record_id)
    assert found["ok"] is False
    assert words in found["consents"][0]["problem"]


def test_one_broken_proof_does_not_hide_the_others(do: Do, volunteer: Volunteer, runtime: Runtime) -> None:
    other = Volunteer(volunteer.http, volunteer.clock, volunteer.operator_thumbprint)
    other.enrol(None)
    execute(runtime, "DELETE FROM evidence WHERE kind = 'record' AND record_id = :id", id=volunteer.record_id)
    found = {entry["record_id"]: entry["problem"] for entry in do("consents-verify")["consents"]}
    assert found[volunteer.record_id] and found[other.record_id] is None


def test_rows_that_no_consent_covers_are_found(do: Do, volunteer: Volunteer, runtime: Runtime) -> None:
    store_disk(runtime, volunteer.instance)
    store_disk(runtime, STRANGER)
    found = do("consents-verify")
    assert found["ok"] is False
    assert sorted(entry["problem"] for entry in found["uncovered"]) == [
        "has rows and no consent",
        "has rows in disk, which was not granted",
    ]
    assert STRANGER not in str(found["uncovered"])


def test_open_servers_need_no_consent(do: Do, runtime: Runtime) -> None:
    store_disk(runtime, runtime.registry.source_instance("server.example"))
    assert do("consents-verify")["ok"]


def test_an_unknown_record_names_the_next_command(do: Do) -> None:
    for verb in ("consents-show", "consents-export", "consents-terminate", "consents-verify"):
        with pytest.raises(NotFound, match="consents list"):
            do(verb, record_id="nothing")
