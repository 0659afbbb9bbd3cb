"""What the agent's tests share: directories, a consent that stands in them, a server to send to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.paths import AgentPaths
from consent.signature import key_pem, write_exclusively
from tests.agent.ingest import Ingest, ingest_server
from tests.agent.operator_server import Operator, operator_server
from tests.consents import SignedConsent


@pytest.fixture
def paths(tmp_path: Path) -> AgentPaths:
    """Empty directories of an agent, prepared as after a yes."""
    made = AgentPaths(tmp_path / "data", tmp_path / "config", tmp_path / "runtime")
    made.prepare()
    return made


@pytest.fixture
def unprepared(tmp_path: Path) -> AgentPaths:
    """The same before the yes: nothing is there."""
    return AgentPaths(tmp_path / "data", tmp_path / "config", tmp_path / "runtime")


@pytest.fixture
def install(paths: AgentPaths) -> Callable[[SignedConsent], SignedConsent]:
    """``install(consent)`` puts its documents and key where the agent looks for them."""

    def put(consent: SignedConsent) -> SignedConsent:
        write_exclusively(paths.key, key_pem(consent.key))
        write_exclusively(paths.notice, consent.documents.notice.encode())
        write_exclusively(paths.record, consent.documents.record.encode())
        write_exclusively(paths.receipt, consent.documents.receipt.encode())
        return consent

    return put


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    """A server on loopback that stores everything unless told otherwise."""
    with ingest_server() as server:
        yield server


@pytest.fixture
def operator() -> Iterator[Operator]:
    """An operator on loopback: notice, enrolment, withdrawal and links with real signatures."""
    with operator_server() as server:
        yield server
