"""Files of one's own: made private, and refused when they are not."""

import os
import stat
from pathlib import Path

import pytest

from agent.errors import AgentError
from agent.private_files import make_private_directory, open_private, read_private, remove, replace_private

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")


def test_a_replaced_file_is_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for durable, content in ((False, b"first"), (True, b"second")):
        umask = os.umask(0)
        try:
            replace_private(path, content, durable=durable)
        finally:
            os.umask(umask)
        assert read_private(path) == content
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["file"]


def test_a_leftover_of_a_killed_process_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / f".file.{os.getpid()}").write_bytes(b"half")
    replace_private(tmp_path / "file", b"whole", durable=False)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("mode", [0o644, 0o620])
def test_a_file_that_others_can_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    path.chmod(mode)
    with pytest.raises(AgentError, match="not a private file"):
        read_private(path)


def test_a_link_and_a_directory_are_refused(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(AgentError):
        read_private(tmp_path / "link")
    with pytest.raises(AgentError):
        open_private(tmp_path, os.O_RDONLY)


def test_what_is_missing_is_none_and_removing_it_is_fine(tmp_path: Path) -> None:
    assert read_private(tmp_path / "file") is None
    remove(tmp_path / "file")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="gone/file cannot be written"):
        replace_private(tmp_path / "gone" / "file", b"x", durable=False)
    (tmp_path / "plain").write_bytes(b"x")
    with pytest.raises(AgentError, match="cannot be made"):
        make_private_directory(tmp_path / "plain" / "below")
