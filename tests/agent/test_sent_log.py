"""The log of what was sent: all of it, the very bytes, within a fixed size."""

import gzip
import os
import stat

import pytest

from agent.errors import AgentError
from agent.paths import AgentPaths
from agent.sent_log import Sent, SentLog, purge_sent, read_sent
from agent.spool import Packed

DAY_MS = 86_400_000


def packed(sequence: int, body: bytes = b'{"a":1}') -> Packed:
    return Packed(sequence, 0, gzip.compress(body, mtime=0))


def test_what_was_sent_is_there_byte_for_byte(paths: AgentPaths) -> None:
    log = SentLog(paths.sent_log)
    log.add(packed(1), "201", 5)
    log.add(packed(2), "no answer", 6)
    size = len(packed(1).body)
    assert list(read_sent(paths.sent_log)) == [
        Sent(5, 1, "201", size, b'{"a":1}'),
        Sent(6, 2, "no answer", size, b'{"a":1}'),
    ]
    assert stat.S_IMODE(paths.sent_log.stat().st_mode) == 0o600
    SentLog(paths.sent_log).add(packed(3), "201", 7)
    assert [sent.sequence for sent in read_sent(paths.sent_log)] == [1, 2, 3], "a restart goes on"


def test_it_never_grows_beyond_two_segments_and_keeps_the_newest(paths: AgentPaths) -> None:
    log = SentLog(paths.sent_log, segment_bytes=2000)
    for sequence in range(200):
        log.add(packed(sequence, os.urandom(100)), "201", sequence)
        assert sum(path.stat().st_size for path in paths.runtime_dir.iterdir()) <= 4000
    kept = [sent.sequence for sent in read_sent(paths.sent_log)]
    assert kept == list(range(200 - len(kept), 200)) and len(kept) > 5


def test_a_new_day_starts_empty_also_after_a_restart(paths: AgentPaths) -> None:
    log = SentLog(paths.sent_log, segment_bytes=300)
    for sequence in range(5):
        log.add(packed(sequence), "201", DAY_MS - 1)
    SentLog(paths.sent_log).add(packed(9), "201", DAY_MS)
    assert [sent.sequence for sent in read_sent(paths.sent_log)] == [9]
    assert os.listdir(paths.runtime_dir) == [paths.sent_log.name]


def test_a_line_that_was_cut_off_is_left_out(paths: AgentPaths) -> None:
    log = SentLog(paths.sent_log)
    log.add(packed(1), "201", 1)
    with paths.sent_log.open("ab") as file:
        file.write(b'{"time":1}\n[]\n"x"\n{"time":1,"sequence":2,"answer":"201","bytes":1,"body":"AAAA"}\n{"time"')
    assert [sent.sequence for sent in read_sent(paths.sent_log)] == [1]


def test_after_a_withdrawal_nothing_is_left_and_nothing_comes_back(paths: AgentPaths) -> None:
    log = SentLog(paths.sent_log)
    log.add(packed(1), "201", 1)
    log.end()
    log.add(packed(2), "201", 2)
    assert not os.listdir(paths.runtime_dir)
    purge_sent(paths.sent_log)


def test_a_log_that_cannot_be_written_is_told_and_stops_nothing(paths: AgentPaths) -> None:
    log = SentLog(paths.sent_log)
    paths.sent_log.write_bytes(b"")
    paths.sent_log.chmod(0o644)
    log.add(packed(1), "201", 1)
    assert log.trouble is not None and "sent.jsonl" in log.trouble
    with pytest.raises(AgentError):
        list(read_sent(paths.sent_log))
    paths.sent_log.chmod(0o600)
    log.add(packed(2), "201", 1)
    assert log.trouble is None
