"""The command line, before and after the yes."""

import pytest

from agent.paths import AgentPaths
from tests.agent.command_line import Sysmetric, command_line


@pytest.fixture
def installed(paths: AgentPaths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Sysmetric:
    """With directories that were prepared."""
    return command_line(paths, monkeypatch, capsys)


@pytest.fixture
def fresh(unprepared: AgentPaths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Sysmetric:
    """On a machine that was never asked."""
    return command_line(unprepared, monkeypatch, capsys)
