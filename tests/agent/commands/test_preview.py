"""``sysmetric preview``: the bytes, and nothing but the bytes."""

import json
import os
from collections.abc import Callable

from agent.clock import clock_ms
from agent.paths import AgentPaths
from consent.catalogue import TABLES
from tests.agent.command_line import Sysmetric
from tests.agent.ingest import Ingest
from tests.consents import SignedConsent


def test_it_prints_what_would_be_sent_and_sends_and_writes_nothing(
    installed: Sysmetric,
    install: Callable[[SignedConsent], SignedConsent],
    signed_consent: Callable[..., SignedConsent],
    ingest: Ingest,
    paths: AgentPaths,
) -> None:
    consent = install(signed_consent(granted=["cpu", "memory"], now_ms=clock_ms(), origin=ingest.url))
    before = sorted(os.listdir(paths.data_dir)), os.listdir(paths.runtime_dir)
    ended = installed("preview")
    assert ended.code == 0 and "nothing is sent" in ended.err
    document = json.loads(ended.out)
    assert ended.out == json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n"
    assert list(document) == ["format", "instance", "record", "sequence", "cpu", "memory"]
    assert (document["instance"], document["record"]) == (consent.instance, consent.record.record_id)
    readings = len(document["memory"]["time"])
    assert readings >= 2 and len(set(document["cpu"]["time"])) == readings - 1, "a rate takes two readings"
    for table in ("cpu", "memory"):
        assert list(document[table]) == [column.name for column in TABLES[table].wire_columns]
    assert not ingest.requests and not ingest.refused
    assert (sorted(os.listdir(paths.data_dir)), os.listdir(paths.runtime_dir)) == before


def test_without_consent_it_reads_nothing(fresh: Sysmetric) -> None:
    ended = fresh("preview")
    assert (ended.code, ended.out) == (3, "") and "sysmetric consent give URL" in ended.err
