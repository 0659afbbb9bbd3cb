"""Where the agent's files are, and that looking for them leaves no trace."""

import os
import stat
import sys
from pathlib import Path

import pytest

from agent.errors import AgentError
from agent.paths import AgentPaths


def test_each_directory_can_be_chosen_and_none_is_made(tmp_path: Path) -> None:
    names = {"SYSMETRIC_DATA_DIR": "d", "SYSMETRIC_CONFIG_DIR": "c", "SYSMETRIC_RUNTIME_DIR": "r"}
    paths = AgentPaths.from_environment({name: str(tmp_path / part) for name, part in names.items()})
    assert (paths.key, paths.config, paths.status) == (
        tmp_path / "d/key.pem",
        tmp_path / "c/config.toml",
        tmp_path / "r/status.json",
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the places of Linux")
def test_on_linux_the_runtime_directory_is_in_memory(tmp_path: Path) -> None:
    session = tmp_path / "session"
    session.mkdir()
    assert AgentPaths.from_environment({"XDG_RUNTIME_DIR": str(session)}).runtime_dir == session / "sysmetric"
    gone = AgentPaths.from_environment({"XDG_RUNTIME_DIR": str(tmp_path / "gone")}).runtime_dir
    assert gone == Path(f"/dev/shm/sysmetric-{os.geteuid()}")


def test_an_empty_override_is_none() -> None:
    assert AgentPaths.from_environment({"SYSMETRIC_DATA_DIR": ""}).data_dir.name == "sysmetric"


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_prepare_makes_private_directories_under_any_umask(unprepared: AgentPaths) -> None:
    umask = os.umask(0)
    try:
        unprepared.prepare()
        unprepared.prepare()
    finally:
        os.umask(umask)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (unprepared.data_dir, unprepared.runtime_dir)] == [
        0o700,
        0o700,
    ]
    assert not unprepared.config_dir.exists(), "the agent writes no settings"


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_a_directory_that_is_open_to_others_or_a_link_is_refused(unprepared: AgentPaths, tmp_path: Path) -> None:
    unprepared.runtime_dir.mkdir(mode=0o755)
    with pytest.raises(AgentError, match="chmod 700"):
        unprepared.prepare()
    unprepared.runtime_dir.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    unprepared.runtime_dir.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AgentError, match="not a directory"):
        unprepared.prepare()
