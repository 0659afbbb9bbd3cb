"""The report that the agent leaves for ``sysmetric status``."""

import stat

from agent.paths import AgentPaths
from agent.private_files import replace_private
from agent.status import Status, StatusBoard, read_status


def make_board(paths: AgentPaths) -> StatusBoard:
    status = Status(1, "running", "instance", "record", "https://example.org", 5, 5, {"cpu": 1.0})
    return StatusBoard(paths.status, status, lambda: 77)


def test_what_is_written_can_be_read(paths: AgentPaths) -> None:
    board = make_board(paths)
    board.note(samples_taken=9)
    assert read_status(paths.status) is None
    board.change(batches_sent=3, rows_sent={"cpu": 12})
    read = read_status(paths.status)
    assert read == board.status
    assert read is not None and (read.samples_taken, read.batches_sent, read.updated_ms) == (9, 3, 77)
    assert stat.S_IMODE(paths.status.stat().st_mode) == 0o600


def test_what_cannot_be_understood_is_no_report(paths: AgentPaths) -> None:
    for content in (b"", b"[]", b"{}", b'"x"', b"[" * 100_000):
        replace_private(paths.status, content, durable=False)
        assert read_status(paths.status) is None


def test_a_report_of_a_newer_agent_is_read_as_far_as_it_is_known(paths: AgentPaths) -> None:
    board = make_board(paths)
    board.change()
    content = paths.status.read_bytes().replace(b'{"pid"', b'{"colour":"red","pid"')
    replace_private(paths.status, content, durable=False)
    assert read_status(paths.status) == board.status


def test_a_status_that_cannot_be_written_stops_nothing(paths: AgentPaths) -> None:
    board = make_board(paths)
    paths.status.mkdir()
    board.change(batches_sent=1)
    assert board.trouble is not None and "status.json" in board.trouble
    paths.status.rmdir()
    board.change()
    assert board.trouble is None
