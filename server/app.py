"""The WSGI application: wiring only.

``create_app(runtime)`` serves what is open already. ``create_app()`` opens the installation in
``SYSMETRIC_SERVER_DATA_DIR`` (or the platform's place), so that ``flask --app server.app run`` works; where there is
none it ends with one sentence.
"""

import atexit
import logging
import os
import sys
from dataclasses import replace

import click
from flask import Flask, Response, request

from consent.errors import ConsentError
from server.admission import Admission
from server.api import (
    admin,
    batches,
    consents,
    exports,
    gaps,
    health,
    instances,
    links,
    live,
    notice,
    openapi,
    otlp,
    pauses,
    problems,
    rows,
    series,
    series_csv,
    sparks,
    withdrawal_codes,
)
from server.api.state import State, attach
from server.attempts import Attempts
from server.config import Config
from server.errors import ServerError
from server.imports.otlp_rows import LastCollections
from server.key_derivation import derive
from server.reach import admin_url
from server.readiness import Readiness
from server.replay import ReplayGuard
from server.runtime import Runtime
from server.startup import open_to_serve
from server.telemetry import Telemetry
from server.web import api_docs, compare, machine, overview, own, pages, withdraw
from server.web.locale import locale_of_request, t

#: Bodies of anything but a batch; a consent record is about 4 kB.
LARGEST_BODY = 512 * 1024
#: Wrong withdrawal codes that are answered at once, and then one in so many milliseconds.
WRONG_CODES = 10
WRONG_CODE_EVERY_MS = 6000

#: Each page registers its routes on ``pages.blueprint`` when it is imported.
PAGES = (api_docs, compare, machine, overview, own, withdraw)

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def create_app(runtime: Runtime | None = None) -> Flask:
    """The application on an open ``runtime``, or on the installation that the environment names."""
    if runtime is None:
        runtime = _open_installation()
    app = Flask(__name__, static_folder=None)
    app.config.update(
        SECRET_KEY=derive(runtime.operator_key, "session"),
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        SESSION_COOKIE_NAME="sysmetric",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=runtime.config.origin.startswith("https:"),
    )
    attach(app, _state(runtime))
    for part in (
        admin,
        batches,
        consents,
        exports,
        gaps,
        health,
        instances,
        links,
        live,
        notice,
        openapi,
        otlp,
        pauses,
        rows,
        series,
        series_csv,
        sparks,
        withdrawal_codes,
        pages,
    ):
        app.register_blueprint(part.blueprint)
    app.jinja_env.globals.update(t=t, locale_of_request=locale_of_request)
    app.register_error_handler(Exception, problems.handle)
    app.register_error_handler(404, pages.not_here)
    app.after_request(_secure)
    return app


def room_for_batches(threads: int) -> int:
    """How many batches may be inside at once: most of the threads, so that a withdrawal always finds one free."""
    return max(1, threads - max(1, threads // 8))


def _state(runtime: Runtime) -> State:
    def end_of_day_seconds() -> float | None:
        last = runtime.registry.last_end_of_day()
        return None if last is None else last.finished_ms / 1000

    telemetry = Telemetry(
        {
            "sysmetric_store_bytes": ("Bytes that the store takes on disk", runtime.store.bytes_on_disk),
            "sysmetric_end_of_day_timestamp_seconds": ("When the last end of day was finished", end_of_day_seconds),
        }
    )
    return State(
        runtime=runtime,
        replay=ReplayGuard(),
        admission=Admission(room_for_batches(runtime.config.threads)),
        downloads=Admission(max(1, runtime.config.threads // 4)),
        public_downloads=Admission(max(1, runtime.config.threads // 4)),
        telemetry=telemetry,
        readiness=Readiness(runtime),
        code_attempts=Attempts(WRONG_CODES, WRONG_CODE_EVERY_MS, runtime.now_ms),
        collections=LastCollections(),
    )


def _secure(response: Response) -> Response:
    """On every answer; a page may have set a policy of its own before."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.path.startswith("/api/"):
        response.headers["Cache-Control"] = "no-store"
    return response


def _open_installation() -> Runtime:
    """Open what the environment names, as ``sysmetric-server run`` does; what is wrong is one sentence on stderr."""
    logging.getLogger("werkzeug").addFilter(_no_access_line)
    try:
        runtime = open_to_serve(os.environ, _development_url)
    except (ServerError, ConsentError) as error:
        sys.exit(f"sysmetric-server: {error}")
    atexit.register(runtime.close)
    return runtime


def _development_url(config: Config) -> str:
    """Where ``flask run`` will answer, so that the command line can ask it; empty under any other server."""
    context = click.get_current_context(silent=True)
    if context is None or not isinstance(context.params.get("port"), int) or context.params.get("cert"):
        return ""
    host = context.params.get("host") or "127.0.0.1"
    shown = f"[{host}]" if ":" in host else host
    return admin_url(replace(config, listen=f"{shown}:{context.params['port']}", tls_cert="", tls_key=""))


def _no_access_line(record: logging.LogRecord) -> bool:
    """Werkzeug's development server logs the address of each client; ours does not."""
    return " - - [" not in record.getMessage()
