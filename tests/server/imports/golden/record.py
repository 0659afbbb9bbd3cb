"""Make the golden files again from a running Prometheus: ``python record.py http://127.0.0.1:9090``.

It expects the two jobs that README.md shows. Prometheus itself computes what the tests compare with
(``*.expected.json``).
"""

import itertools
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
METRICS = (
    '__name__=~"node_cpu_seconds_total|node_memory_(Mem|Swap)(Total|Available|Free)_bytes'
    '|node_disk_(read_bytes|written_bytes|reads_completed|writes_completed|io_time_seconds)_total"'
)
SHARES = (
    "irate(node_cpu_seconds_total{%s}[%s])"
    " / ignoring(mode) group_left sum without (mode) (irate(node_cpu_seconds_total{%s}[%s]))"
)
DISK = {
    "read_bytes_per_second": "node_disk_read_bytes_total",
    "write_bytes_per_second": "node_disk_written_bytes_total",
    "reads_per_second": "node_disk_reads_completed_total",
    "writes_per_second": "node_disk_writes_completed_total",
    "busy": "node_disk_io_time_seconds_total",
}


def ask(base: str, path: str, **parameters: object) -> bytes:
    """The bytes of an answer, also of one with an error status."""
    url = f"{base}{path}?{urllib.parse.urlencode(parameters)}"
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # nosec: a loopback address given by a person
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        return bytes(error.read())


def expected(base: str, selector: str, window: str, times: list[float]) -> dict[str, Any]:
    """Prometheus's own rates at ``times``: column -> "instance part" -> [[seconds, "value"], ...]."""
    queries = {column: f"irate({name}{{{selector}}}[{window}])" for column, name in DISK.items()}
    queries["cpu"] = SHARES % (selector, window, selector, window)
    found: dict[str, Any] = {}
    for (column, query), moment in itertools.product(queries.items(), times):
        answer = json.loads(ask(base, "/api/v1/query", query=query, time=moment))
        for series in answer["data"]["result"]:
            metric = series["metric"]
            name = f"cpu {metric['mode']}" if column == "cpu" else column
            part = metric.get("device") or metric["cpu"]
            found.setdefault(name, {}).setdefault(f"{metric['instance']} {part}", []).append(series["value"])
    return found


def main() -> None:
    """Write every file."""
    base = sys.argv[1]
    now = int(time.time()) - 5
    # 1. what was scraped, at the moments it was scraped, of the machine that is scraped every 2 s
    quick = f'job="quick",{METRICS}'
    raw = ask(base, "/api/v1/query", query="{%s}[62s]" % quick, time=now)
    (HERE / "scraped.json").write_bytes(raw)
    moments = [sample[0] for sample in json.loads(raw)["data"]["result"][0]["values"]][1:]
    (HERE / "scraped.expected.json").write_text(json.dumps(expected(base, 'job="quick"', "5s", moments)))
    # 2. a range of both machines, each scraped at least as often as the steps
    times: dict[str, Any] = {"start": now - 150, "end": now, "step": 10}
    (HERE / "range.json").write_bytes(ask(base, "/api/v1/query_range", query="{%s}" % METRICS, **times))
    moments = [now - 140 + 10 * step for step in range(15)]
    (HERE / "range.expected.json").write_text(json.dumps(expected(base, 'job="node"', "20s", moments)))
    # 3. steps shorter than the distance of scrapes: every scrape is repeated
    times = {"start": now - 120, "end": now, "step": 2}
    (HERE / "repeats.json").write_bytes(ask(base, "/api/v1/query_range", query='{job="node",%s}' % METRICS, **times))
    raw = ask(base, "/api/v1/query", query='{job="node",%s}[122s]' % METRICS, time=now)
    (HERE / "repeats.expected.json").write_bytes(raw)
    # 4. vectors, one after another as `curl >> file` leaves them
    vectors = [ask(base, "/api/v1/query", query="{%s}" % quick, time=now - 40 + 10 * step) for step in range(5)]
    (HERE / "vectors.json").write_bytes(b"".join(vectors))
    # 5. what people save by mistake
    (HERE / "error.json").write_bytes(ask(base, "/api/v1/query", query="rate(node_cpu_seconds_total)"))
    (HERE / "empty.json").write_bytes(ask(base, "/api/v1/query", query="node_cpu_seconds_totall"))
    (HERE / "rates.json").write_bytes(ask(base, "/api/v1/query", query="sum(rate(node_cpu_seconds_total[1m]))"))
    (HERE / "page.html").write_bytes(ask(base, "/graph")[:2000])


if __name__ == "__main__":
    main()
