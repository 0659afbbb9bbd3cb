"""An installation made by ``init``, once, and copies of it: with no server running, and with one."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import WHO, free_port
from tests.server.command_line import CommandLine, as_process, running


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``init`` leaves."""
    data_dir = tmp_path_factory.mktemp("installed") / "server"
    said = as_process(data_dir, "init", "--no-input", *WHO, "--origin", f"http://127.0.0.1:{free_port()}")
    assert said.code == 0, said.err
    return data_dir


@pytest.fixture(scope="session")
def served(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy that a real server runs on, for all tests of the session."""
    data_dir = Path(shutil.copytree(template, tmp_path_factory.mktemp("served") / "server"))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running(data_dir, url, "--listen", f"127.0.0.1:{port}"):
        yield data_dir


@pytest.fixture
def cli(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """Commands on an installation of the test's own, where no server runs."""
    return CommandLine(Path(shutil.copytree(template, tmp_path / "server")), monkeypatch, capsys)


@pytest.fixture(params=["alone", "server running"])
def either(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """Commands as above, and through the running server: both have to do the same."""
    if request.param == "alone":
        made: CommandLine = request.getfixturevalue("cli")
        return made
    return CommandLine(request.getfixturevalue("served"), monkeypatch, capsys)
