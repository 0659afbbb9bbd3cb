"""``sysmetric data sent``."""

import gzip

from agent.paths import AgentPaths
from agent.sent_log import SentLog
from agent.spool import Packed
from tests.agent.command_line import Sysmetric


def test_what_was_sent_is_shown_in_words_and_whole(installed: Sysmetric, paths: AgentPaths) -> None:
    log = SentLog(paths.sent_log)
    for sequence in (7, 8):
        body = b'{"sequence":%d,"memory":{"time":[1,2]}}' % sequence
        log.add(Packed(sequence, 2, gzip.compress(body)), "201", 1000)
    lines = installed("data", "sent").out.splitlines()
    assert len(lines) == 2 and "batch 8  memory 2 rows" in lines[1] and lines[1].endswith("201")
    [last] = installed("data", "sent", "--last", "1", "--json").json
    assert (last["sequence"], last["answer"], last["time"]) == (8, "201", 1000)
    assert last["body"] == {"sequence": 8, "memory": {"time": [1, 2]}}


def test_nothing_sent(fresh: Sysmetric, unprepared: AgentPaths) -> None:
    ended = fresh("data", "sent")
    assert (ended.code, ended.out) == (0, "") and "Nothing was sent" in ended.err
    assert fresh("data", "sent", "--json").json == []
    assert not unprepared.runtime_dir.exists()
