"""Every answer that ``POST /api/v1/batches`` can give, with real signatures, a real registry and a real store."""

import base64
import gzip
import hashlib
import io
import json
import threading
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from werkzeug.http import parse_date

from consent.wire import BATCHES_PATH, LINK_TAG, MAX_BATCH_BYTES, Ack, AckStatus, Problem
from server.admission import Admission
from server.api.state import attach, state
from server.errors import StorageFull, StoreUnavailable
from server.runtime import Runtime
from server.store.protocol import StoredBatch
from tests.server.installation import Clock, Volunteer
from tests.server.problems import check_problem

DAY_MS = 86_400_000


class Endless(io.RawIOBase):
    """Chunks without end."""

    given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.given += len(buffer)
        return len(buffer)


def stored(runtime: Runtime, volunteer: Volunteer) -> int:
    return sum(1 for _ in runtime.store.rows(volunteer.instance))


def test_a_batch_is_stored_and_acknowledged(runtime: Runtime, volunteer: Volunteer) -> None:
    answer = volunteer.send(volunteer.batch())
    assert answer.status_code == 201, answer.text
    ack = Ack.from_json(answer.data)
    assert (ack.instance, ack.sequence, ack.status) == (volunteer.instance, 1, AckStatus.STORED)
    assert dict(ack.rows) == {"cpu": 6, "memory": 3, "disk": 6}
    assert stored(runtime, volunteer) == 15


def test_gzip_is_unpacked_after_the_signature(runtime: Runtime, volunteer: Volunteer) -> None:
    assert volunteer.send(volunteer.batch(), packed=True).status_code == 201
    assert stored(runtime, volunteer) == 15


def test_the_same_batch_again_is_a_duplicate(runtime: Runtime, volunteer: Volunteer) -> None:
    volunteer.send(volunteer.batch())
    again = volunteer.send(json.dumps(json.loads(volunteer.batch()), indent=1).encode(), packed=True)
    assert again.status_code == 200
    assert Ack.from_json(again.data).status is AckStatus.DUPLICATE
    assert stored(runtime, volunteer) == 15


def test_other_samples_under_the_same_sequence_are_refused(runtime: Runtime, volunteer: Volunteer) -> None:
    volunteer.send(volunteer.batch())
    check_problem(volunteer.send(volunteer.batch(samples=2)), Problem.SEQUENCE_REUSED)
    assert stored(runtime, volunteer) == 15


def test_a_request_that_is_not_signed_as_it_must_be(runtime: Runtime, volunteer: Volunteer) -> None:
    wrong: list[dict[str, Any]] = [
        {"key": Ed25519PrivateKey.generate()},
        {"key_id": "6f0c3a52-3a0b-4d1e-9c1d-0a4b5c6d7e8f"},
        {"tag": LINK_TAG},
        {"covered": ("@method", "@path", "content-digest", "content-type")},
        {"authority": "other.example.org"},
    ]
    for options in wrong:
        check_problem(volunteer.send(volunteer.batch(), **options), Problem.SIGNATURE_INVALID)
    assert stored(runtime, volunteer) == 0


def test_an_unsigned_request(volunteer: Volunteer) -> None:
    answer = volunteer.http.post(BATCHES_PATH, data=volunteer.batch(), content_type="application/json")
    check_problem(answer, Problem.SIGNATURE_INVALID)


def test_a_clock_that_is_off_learns_the_time(volunteer: Volunteer, clock: Clock) -> None:
    late = volunteer.send(volunteer.batch(), now_ms=clock() - 600_000)
    document = check_problem(late, Problem.CLOCK_SKEW)
    assert document["server_time"] == clock()
    date = parse_date(late.headers["Date"])
    assert date is not None and date.timestamp() == clock() // 1000
    check_problem(volunteer.send(volunteer.batch(), now_ms=clock() + 120_000), Problem.CLOCK_SKEW)


def test_a_captured_request_works_once(volunteer: Volunteer) -> None:
    body = volunteer.batch()
    headers = volunteer.headers(body)
    assert volunteer.http.post(BATCHES_PATH, data=body, headers=headers).status_code == 201
    check_problem(volunteer.http.post(BATCHES_PATH, data=body, headers=headers), Problem.REPLAYED)


def test_a_batch_under_another_record(volunteer: Volunteer) -> None:
    document = {**json.loads(volunteer.batch()), "record": "0b9d1f7e-8c55-4f0a-b5a7-2f1e3d4c5b6a"}
    check_problem(volunteer.send(json.dumps(document).encode()), Problem.CONSENT_REQUIRED)


def test_an_expired_consent(runtime: Runtime, volunteer: Volunteer, clock: Clock) -> None:
    clock.now_ms += 30 * DAY_MS
    check_problem(volunteer.send(volunteer.batch()), Problem.CONSENT_EXPIRED)
    assert stored(runtime, volunteer) == 0


def test_a_consent_that_the_operator_ended(runtime: Runtime, volunteer: Volunteer, clock: Clock) -> None:
    runtime.registry.terminate(volunteer.record_id, clock())
    check_problem(volunteer.send(volunteer.batch()), Problem.CONSENT_EXPIRED)


def test_a_notice_that_was_superseded(
    runtime: Runtime, volunteer: Volunteer, publish_major: Callable[[], None]
) -> None:
    publish_major()
    check_problem(volunteer.send(volunteer.batch()), Problem.NOTICE_SUPERSEDED)
    assert stored(runtime, volunteer) == 0


def test_a_table_that_was_not_granted(runtime: Runtime, enrolled: Callable[..., Volunteer]) -> None:
    volunteer = enrolled("cpu")
    document = check_problem(volunteer.send(volunteer.batch()), Problem.NOT_CONSENTED)
    assert document["path"] == "memory"
    assert stored(runtime, volunteer) == 0
    assert volunteer.send(volunteer.batch(tables=["cpu"])).status_code == 201


def test_sampling_faster_than_consented(volunteer: Volunteer) -> None:
    answer = volunteer.send(volunteer.batch(samples=20, step_ms=100))
    check_problem(answer, Problem.NOT_CONSENTED)


def test_a_withdrawn_consent(runtime: Runtime, volunteer: Volunteer) -> None:
    volunteer.send(volunteer.batch())
    assert volunteer.post_withdrawal().status_code == 200
    check_problem(volunteer.send(volunteer.batch(2)), Problem.CONSENT_WITHDRAWN)
    check_problem(volunteer.send(b"anything"), Problem.CONSENT_WITHDRAWN)
    assert stored(runtime, volunteer) == 0


def test_a_batch_that_passed_the_gate_before_the_withdrawal_is_not_stored_after_it(
    runtime: Runtime, volunteer: Volunteer, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = type(runtime.store).append

    def withdrawn_in_between(store: Any, batches: Sequence[StoredBatch]) -> Any:
        monkeypatch.setattr(type(runtime.store), "append", append)
        erased = volunteer.check_erasure(volunteer.post_withdrawal().get_json()["erasure_receipt"])
        assert sum(erased.rows.values()) == 15
        return append(store, batches)

    volunteer.send(volunteer.batch(1))
    monkeypatch.setattr(type(runtime.store), "append", withdrawn_in_between)
    check_problem(volunteer.send(volunteer.batch(2)), Problem.CONSENT_WITHDRAWN)
    assert stored(runtime, volunteer) == 0


def test_many_batches_racing_one_withdrawal_leave_nothing(runtime: Runtime, volunteer: Volunteer, app: Flask) -> None:
    start = threading.Barrier(9)
    answers: list[int] = []

    def send(number: int) -> None:
        machine = replace(volunteer, http=app.test_client())
        start.wait()
        answers.extend(machine.send(machine.batch(number * 10 + index)).status_code for index in range(5))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    start.wait()
    assert replace(volunteer, http=app.test_client()).post_withdrawal().status_code == 200
    assert stored(runtime, volunteer) == 0
    for thread in threads:
        thread.join()
    assert set(answers) <= {201, 410} and len(answers) == 40
    assert stored(runtime, volunteer) == 0


def test_a_body_that_is_too_large(volunteer: Volunteer) -> None:
    check_problem(volunteer.send(b" " * (MAX_BATCH_BYTES + 1)), Problem.TOO_LARGE)


def test_chunks_that_add_up_to_too_much_are_not_read_to_the_end(volunteer: Volunteer) -> None:
    endless = Endless()
    answer = volunteer.http.post(
        BATCHES_PATH,
        content_type="application/json",
        environ_overrides={"wsgi.input": endless, "wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )
    check_problem(answer, Problem.TOO_LARGE)
    assert endless.given <= 2 * MAX_BATCH_BYTES


def test_a_bomb_is_not_unpacked(volunteer: Volunteer) -> None:
    bomb = gzip.compress(bytes(200 * 1024 * 1024), compresslevel=9)
    assert len(bomb) < MAX_BATCH_BYTES
    tracemalloc.start()
    answer = volunteer.send(bomb, extra={"Content-Encoding": "gzip"})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    check_problem(answer, Problem.TOO_LARGE)
    assert peak < 4 * MAX_BATCH_BYTES


def test_gzip_that_is_damaged(volunteer: Volunteer) -> None:
    for body in (b"no gzip at all", gzip.compress(b"{}")[:-9], gzip.compress(b"{}") + b"more"):
        check_problem(volunteer.send(body, extra={"Content-Encoding": "gzip"}), Problem.INVALID_BATCH)


def test_content_of_another_type(volunteer: Volunteer) -> None:
    wrong: list[dict[str, Any]] = [
        {"content_type": "text/plain"},
        {"content_type": "application/json; charset=utf-16"},
        {"extra": {"Content-Encoding": "br"}},
        {"extra": {"Content-Encoding": "gzip, gzip"}},
    ]
    for options in wrong:
        check_problem(volunteer.send(volunteer.batch(), **options), Problem.UNSUPPORTED)


def test_a_batch_that_is_not_valid_says_where(runtime: Runtime, volunteer: Volunteer) -> None:
    document = json.loads(volunteer.batch())
    document["cpu"]["user"][3] = 1.5
    assert check_problem(volunteer.send(json.dumps(document).encode()), Problem.INVALID_BATCH)["path"] == (
        "cpu.user[3]"
    )
    check_problem(volunteer.send(b"{"), Problem.INVALID_BATCH)
    check_problem(volunteer.send(b""), Problem.INVALID_BATCH)
    assert stored(runtime, volunteer) == 0


def test_samples_older_than_what_is_kept_or_from_the_future(volunteer: Volunteer, clock: Clock) -> None:
    old = volunteer.send(volunteer.batch(first_ms=clock() - 50 * 3_600_000))
    assert check_problem(old, Problem.INVALID_BATCH)["path"] == "cpu.time[0]"
    future = volunteer.send(volunteer.batch(first_ms=clock() + 5 * 60_000 + 1))
    assert check_problem(future, Problem.INVALID_BATCH)["path"] == "cpu.time[0]"


def test_a_batch_of_another_instance(volunteer: Volunteer, enrolled: Callable[..., Volunteer]) -> None:
    other = enrolled()
    answer = volunteer.send(other.batch())
    assert check_problem(answer, Problem.INVALID_BATCH)["path"] == "instance"


def test_a_full_room_slows_down(app: Flask, volunteer: Volunteer) -> None:
    with app.app_context():
        attach(app, replace(state(), admission=Admission(1)))
        with state().admission.enter():
            answer = volunteer.send(volunteer.batch())
    check_problem(answer, Problem.SLOW_DOWN)
    assert int(answer.headers["Retry-After"]) > 0
    assert volunteer.send(volunteer.batch()).status_code == 201


@pytest.mark.parametrize(
    ("error", "problem"),
    [(StorageFull("no room"), Problem.STORAGE_FULL), (StoreUnavailable("closed"), Problem.UNAVAILABLE)],
)
def test_a_store_that_cannot_take_it(
    runtime: Runtime,
    volunteer: Volunteer,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    problem: Problem,
) -> None:
    def refuse(_store: Any, _batches: Sequence[StoredBatch]) -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(type(runtime.store), "append", refuse)
        answer = volunteer.send(volunteer.batch())
    check_problem(answer, problem)
    assert int(answer.headers["Retry-After"]) > 0
    assert volunteer.send(volunteer.batch()).status_code == 201


def test_a_closed_store_is_unavailable(runtime: Runtime, volunteer: Volunteer) -> None:
    runtime.store.close()
    check_problem(volunteer.send(volunteer.batch()), Problem.UNAVAILABLE)


def test_a_registry_that_fails_is_no_bad_signature(
    runtime: Runtime, volunteer: Volunteer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_registry: Any, instance: str) -> Any:
        raise KeyError(instance)

    monkeypatch.setattr(type(runtime.registry), "consent_of", broken)
    document = check_problem(volunteer.send(volunteer.batch()), Problem.INTERNAL)
    assert volunteer.instance not in json.dumps(document)
    assert "KeyError" in caplog.text and volunteer.instance not in caplog.text


def test_the_digest_is_over_the_bytes_as_received(volunteer: Volunteer) -> None:
    packed = gzip.compress(volunteer.batch())
    headers = volunteer.headers(packed, extra={"Content-Encoding": "gzip"})
    assert hashlib.sha256(packed).digest() == base64.b64decode(headers["Content-Digest"].split(":")[1])
    other = gzip.compress(volunteer.batch(), compresslevel=1, mtime=1)
    check_problem(volunteer.http.post(BATCHES_PATH, data=other, headers=headers), Problem.SIGNATURE_INVALID)
