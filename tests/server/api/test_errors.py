"""Whatever goes wrong below /api/ is a problem document that gives nothing away; every answer carries its headers."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from consent.errors import ChainBroken, NoticeError
from consent.wire import STATUS, Problem
from server.api.problems import TITLES, of_error
from server.errors import (
    Conflict,
    DecodeError,
    EvidenceUnreadable,
    InviteRefused,
    NonceRefused,
    NotFound,
    RegistryUnusable,
    StorageFull,
    StoreError,
)
from server.runtime import Runtime
from tests.server.problems import check_problem

SECRET = "5f0c3a52-secret"


def test_paths_and_methods_that_are_not_there(http: FlaskClient) -> None:
    check_problem(http.get(f"/api/v1/{SECRET}"), Problem.NOT_FOUND)
    wrong_method = http.get("/api/v1/batches")
    check_problem(wrong_method, Problem.METHOD_NOT_ALLOWED)
    assert "POST" in wrong_method.headers["Allow"]
    assert SECRET not in http.get(f"/api/v1/{SECRET}?x={SECRET}").text


def test_what_nobody_expected(
    http: FlaskClient, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(type(runtime.registry), "notices", broken)
    answer = http.get("/api/v1/notice")
    check_problem(answer, Problem.INTERNAL)
    assert SECRET not in answer.text and "Traceback" not in answer.text
    assert "RuntimeError" in caplog.text and "test_errors.py" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (DecodeError("cpu.user[3]", "too large"), Problem.INVALID_BATCH),
        (NotFound("no"), Problem.NOT_FOUND),
        (Conflict("no"), Problem.CONFLICT),
        (InviteRefused("no"), Problem.INVITE_REFUSED),
        (NonceRefused("no"), Problem.INVALID_RECORD),
        (ChainBroken("no"), Problem.INVALID_RECORD),
        (NoticeError("no"), Problem.INVALID_RECORD),
        (RegistryUnusable(f"the file {SECRET} is damaged"), Problem.UNAVAILABLE),
        (EvidenceUnreadable(SECRET), Problem.UNAVAILABLE),
        (StorageFull(SECRET), Problem.STORAGE_FULL),
        (StoreError(SECRET), Problem.UNAVAILABLE),
        (KeyError(SECRET), Problem.INTERNAL),
    ],
)
def test_each_error_has_its_problem(error: Exception, problem: Problem) -> None:
    answer = of_error(error)
    assert answer.problem is problem
    assert SECRET not in answer.detail


def test_every_problem_has_a_status_and_a_title() -> None:
    assert set(STATUS) == set(TITLES) == set(Problem)


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/notice", "/api/v1/nothing", "/nothing", "/readyz"])
def test_every_answer_carries_the_security_headers(http: FlaskClient, path: str) -> None:
    headers = http.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy and "default-src '" in policy
    assert "unsafe" not in policy and "*" not in policy and "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] in ("no-referrer", "same-origin")
    if path.startswith("/api/"):
        assert headers["Cache-Control"] == "no-store"


def test_a_session_cookie_is_kept_from_scripts_and_other_sites(app: Flask) -> None:
    assert app.config["SESSION_COOKIE_HTTPONLY"] and app.config["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert app.config["SESSION_COOKIE_SECURE"] is False  # this installation's origin is plain http on this machine
