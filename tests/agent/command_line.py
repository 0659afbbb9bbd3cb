"""The command line in this process, without a terminal, as a volunteer or a script meets it."""

import json
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from agent import cli
from agent.paths import AgentPaths


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Sysmetric = Callable[..., Ended]


def command_line(paths: AgentPaths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Sysmetric:
    """``sysmetric("status", "--json")`` runs one command with these directories."""
    monkeypatch.setenv("SYSMETRIC_DATA_DIR", str(paths.data_dir))
    monkeypatch.setenv("SYSMETRIC_CONFIG_DIR", str(paths.config_dir))
    monkeypatch.setenv("SYSMETRIC_RUNTIME_DIR", str(paths.runtime_dir))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("DO_NOT_TRACK", raising=False)

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["sysmetric", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return run
