"""``make benchmark``: measure ingest, queries and the agent on this machine; nothing passes or fails.

Rules:

* The real commands, as processes of their own, over HTTP on loopback. Each measurement has a fresh installation in a
  temporary directory that is removed at the end.
* Bounded in time and in count. Senders share the machine with the server, so on few cores they hold it back; the
  server's CPU seconds tell more than its rate.
* A value is one number of a batch, times included. An ack comes when the rows are durable.
"""

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tests.benchmarks import agents, ingest, kdb_wire, pages, queries
from tests.benchmarks.processes import BenchmarkFailed
from tests.benchmarks.report import Report


class Part(StrEnum):
    """What can be measured alone."""

    INGEST = "ingest"
    QUERIES = "queries"
    AGENT = "agent"
    KDB = "kdb"
    PAGES = "pages"


def main(
    seconds: Annotated[float, typer.Option(min=0.1, help="For each ingest measurement.")] = 10.0,
    repetitions: Annotated[int, typer.Option(min=1, help="Of each query.")] = 30,
    agent_seconds: Annotated[float, typer.Option(min=1.0, help="For the agent.")] = 120.0,
    only: Annotated[list[Part] | None, typer.Option(help="Measure this part; may be given again.")] = None,
    page_seconds: Annotated[float, typer.Option(min=5.0, help="For each page that is live.")] = 20.0,
    output: Annotated[Path, typer.Option(help="Where the reports go.")] = Path("reports"),
) -> None:
    """Measure on this machine; about five minutes. Reports as JSON and Markdown."""
    console = Console(highlight=False, width=None if Console().is_terminal else 200)
    report = Report(time.time_ns() // 1_000_000)
    wanted = only or list(Part)
    try:
        if Part.INGEST in wanted:
            report.collect(Part.INGEST, ingest.measure(seconds), console)
        if Part.QUERIES in wanted:
            report.collect(Part.QUERIES, queries.measure(repetitions), console)
        if Part.AGENT in wanted:
            report.collect(Part.AGENT, agents.measure(agent_seconds), console)
        if Part.KDB in wanted:
            report.collect(Part.KDB, kdb_wire.measure(min(seconds, 3.0)), console)
        if Part.PAGES in wanted:
            report.collect(Part.PAGES, pages.measure(page_seconds), console)
    except BenchmarkFailed as error:
        Console(stderr=True, highlight=False).print(f"The benchmark stopped: {error}", markup=False)
        raise typer.Exit(1) from error
    document, text = report.write(output)
    console.print(f"Written: {document} and {text}")


if __name__ == "__main__":
    typer.run(main)
