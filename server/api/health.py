"""``/healthz``, ``/readyz`` and ``/metrics``: the server's own state, and nothing about who takes part.

Rules:

* ``/healthz`` says that the process answers; no version, no name.
* ``/readyz`` says whether a batch could be stored now; it is asked often, so its answer holds for a few seconds.
* ``/metrics`` is for this machine, or for a token. A request that came through a proxy comes from elsewhere: with
  ``behind_proxy``, with a forwarding header, or with a Host that is not this machine's, a token is needed.
"""

from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request

from consent.wire import Problem
from server.api.bearer import bearer_token
from server.api.state import runtime, state
from server.errors import ProblemError
from server.settings import is_loopback
from server.telemetry import CONTENT_TYPE

blueprint = Blueprint("health", __name__)

_FORWARDING = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via")


@blueprint.get("/healthz")
def healthz() -> Response:
    """Alive."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """200 when every check holds, else 503; says which."""
    checks = state().readiness.checks()
    ready = all(checks.values())
    words = {name: "ok" if good else "failed" for name, good in checks.items()}
    return jsonify(status="ok" if ready else "unavailable", checks=words), 200 if ready else 503


@blueprint.get("/metrics")
def metrics() -> Response:
    """OpenMetrics text."""
    if bearer_token() is None and not _from_this_machine():
        raise ProblemError(Problem.UNAUTHORIZED, "metrics are shown to this machine, or to a token of the server")
    return Response(state().telemetry.page(), content_type=CONTENT_TYPE)


def _from_this_machine() -> bool:
    if runtime().config.behind_proxy or any(name in request.headers for name in _FORWARDING):
        return False
    host = urlsplit(f"//{request.host}").hostname or ""
    return is_loopback(request.remote_addr or "") and is_loopback(host)
