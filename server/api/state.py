"""What the blueprints share: the open runtime and the guards in front of it, kept in ``app.extensions``."""

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app

from server.admission import Admission
from server.attempts import Attempts
from server.imports.otlp_rows import LastCollections
from server.readiness import Readiness
from server.replay import ReplayGuard
from server.runtime import Runtime
from server.telemetry import Telemetry

_KEY = "sysmetric"


@dataclass(frozen=True, slots=True)
class State:
    """One per app."""

    runtime: Runtime
    replay: ReplayGuard
    admission: Admission
    downloads: Admission
    public_downloads: Admission
    telemetry: Telemetry
    readiness: Readiness
    code_attempts: Attempts
    collections: LastCollections


def attach(app: Flask, made: State) -> None:
    """Give ``app`` its state; done once, by ``create_app``."""
    app.extensions[_KEY] = made


def state() -> State:
    """The state of the app that handles this request."""
    return cast(State, current_app.extensions[_KEY])


def runtime() -> Runtime:
    """The open runtime of the app that handles this request."""
    return state().runtime
