"""A real installation behind Flask's test client, and volunteers who enrolled in it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from consent.signature import sha256_hex
from server.app import create_app
from server.enrolment import make_offer, sign_offer
from server.runtime import Runtime
from tests.server.installation import Clock, Volunteer, initialise, open_installation


@pytest.fixture
def clock() -> Clock:
    """The server's clock."""
    return Clock()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with a published notice, made once: every test gets a copy."""
    data_dir = tmp_path_factory.mktemp("installation") / "server"
    initialise(data_dir)
    open_installation(data_dir, Clock()).close()
    return data_dir


@pytest.fixture
def data_dir(template: Path, tmp_path: Path) -> Path:
    """A data directory of this test's own."""
    return Path(shutil.copytree(template, tmp_path / "server"))


@pytest.fixture
def runtime(data_dir: Path, clock: Clock) -> Iterator[Runtime]:
    """An open installation with a published notice."""
    with open_installation(data_dir, clock) as opened:
        yield opened


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The application on it."""
    return create_app(runtime)


@pytest.fixture
def http(app: Flask) -> FlaskClient:
    """A client without a session or a token."""
    return app.test_client()


@pytest.fixture
def new_invite(runtime: Runtime, clock: Clock) -> Callable[[], str]:
    """Makes a single-use invite."""
    return lambda: runtime.registry.create_invite(1, clock() + 86_400_000, "", clock())[1]


@pytest.fixture
def newcomer(app: Flask, runtime: Runtime, clock: Clock) -> Callable[[], Volunteer]:
    """Makes a volunteer who has not enrolled."""
    return lambda: Volunteer(app.test_client(), clock, runtime.thumbprint)


@pytest.fixture
def enrolled(newcomer: Callable[[], Volunteer], new_invite: Callable[[], str]) -> Callable[..., Volunteer]:
    """``enrolled("cpu", ..)`` makes a volunteer who granted these tables; all of them by default."""

    def make(*granted: str) -> Volunteer:
        made = newcomer()
        made.enrol(new_invite(), granted or ("cpu", "memory", "disk"))
        return made

    return make


@pytest.fixture
def volunteer(enrolled: Callable[..., Volunteer]) -> Volunteer:
    """A volunteer who granted everything."""
    return enrolled()


@pytest.fixture
def publish_major(runtime: Runtime, clock: Clock) -> Callable[[], None]:
    """Publishes the notice again under a new MAJOR version."""

    def publish() -> None:
        old = make_offer(runtime.config, runtime.thumbprint, "en")
        text = old.text.replace(f'version = "{old.notice.version}"', 'version = "9.0.0"')
        offer = replace(old, text=text, notice=replace(old.notice, version="9.0.0", sha256=sha256_hex(text)))
        runtime.registry.publish_notice(offer, sign_offer(offer, runtime.operator_key), clock())

    return publish


@pytest.fixture
def operator_token(runtime: Runtime, clock: Clock) -> str:
    """A token that may do everything."""
    return runtime.registry.create_token("test", "operator", None, clock())[1]


@pytest.fixture
def read_token(runtime: Runtime, clock: Clock) -> str:
    """A token that may look."""
    return runtime.registry.create_token("test", "read", None, clock())[1]


@pytest.fixture
def as_operator(app: Flask, operator_token: str) -> FlaskClient:
    """A client with the operator's token."""
    made = app.test_client()
    made.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {operator_token}"
    return made


@pytest.fixture
def as_volunteer(app: Flask) -> Callable[[Volunteer], FlaskClient]:
    """A browser with that volunteer's session."""

    def sign_in(volunteer: Volunteer) -> FlaskClient:
        browser = app.test_client()
        with browser.session_transaction() as session:
            session.update(role="volunteer", instance=volunteer.instance)
        return browser

    return sign_in
