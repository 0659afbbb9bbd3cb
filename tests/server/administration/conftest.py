"""A real installation, an operator at its desk, and volunteers who come over HTTP."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from server.administration import Desk, perform
from server.app import create_app
from server.runtime import Runtime
from tests.server.installation import Clock, Volunteer, initialise, open_installation


@pytest.fixture
def clock() -> Clock:
    """The server's clock."""
    return Clock()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An open installation with a published notice, made once: every test gets a copy."""
    data_dir = tmp_path_factory.mktemp("administration") / "server"
    initialise(data_dir, enrolment="open")
    open_installation(data_dir, Clock()).close()
    return data_dir


@pytest.fixture
def runtime(template: Path, tmp_path: Path, clock: Clock) -> Iterator[Runtime]:
    """It, open."""
    with open_installation(Path(shutil.copytree(template, tmp_path / "server")), clock) as opened:
        yield opened


@pytest.fixture
def do(runtime: Runtime) -> Callable[..., dict[str, Any]]:
    """``do(verb, **arguments)``: an act at the machine itself."""
    return lambda verb, **arguments: perform(Desk(runtime), verb, arguments)


@pytest.fixture
def volunteer(runtime: Runtime, clock: Clock) -> Volunteer:
    """Somebody who granted cpu and memory and sent one batch."""
    made = Volunteer(create_app(runtime).test_client(), clock, runtime.thumbprint)
    made.enrol(None, ("cpu", "memory"))
    answer = made.send(made.batch(tables=("cpu", "memory")))
    assert answer.status_code == 201, answer.text
    return made
