"""``sysmetric config show``."""

import pytest

from agent.paths import AgentPaths
from tests.agent.command_line import Sysmetric


def test_each_value_with_its_origin(installed: Sysmetric, paths: AgentPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.config_dir.mkdir()
    paths.config.write_text("batch_seconds = 30\n")
    monkeypatch.setenv("SYSMETRIC_PERIOD_SECONDS", "5")
    settings = installed("config", "show", "--json").json["settings"]
    assert settings["period_seconds"] == {"value": 5.0, "origin": "SYSMETRIC_PERIOD_SECONDS"}
    assert settings["batch_seconds"] == {"value": 30.0, "origin": str(paths.config)}
    assert settings["timeout_seconds"]["origin"] == "default"
    words = installed("config", "show").out
    assert "period_seconds = 5    # SYSMETRIC_PERIOD_SECONDS" in words and str(paths.data_dir) in words


def test_an_unknown_setting_is_2_and_names_the_nearest(installed: Sysmetric, paths: AgentPaths) -> None:
    paths.config_dir.mkdir()
    paths.config.write_text("batchseconds = 30\n")
    ended = installed("config", "show")
    assert ended.code == 2 and "did you mean batch_seconds" in ended.err and ended.out == ""
