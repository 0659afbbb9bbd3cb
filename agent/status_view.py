"""What ``sysmetric status`` prints: one value for programs, a few lines for people."""

from typing import Any

from agent.documents import STANDING_WORDS, Standing, load_documents, standing, valid_until_ms
from agent.lock import running_pid
from agent.paths import AgentPaths
from agent.pause import read_pause
from agent.status import Status, read_status
from agent.times import local_moment, utc_day
from consent.alias import alias_of
from consent.chain import verify_record


def status_document(paths: AgentPaths, now_ms: int) -> dict[str, Any]:
    """Consent, whether the agent runs, the pause, and the agent's last report where there is one. Raises AgentError."""
    pid = running_pid(paths.lock)
    pause = read_pause(paths, now_ms)
    report = read_status(paths.status)
    document: dict[str, Any] = {
        "consent": standing(paths, now_ms).value,
        "running": pid is not None,
        "paused": pause is not None,
        "now_ms": now_ms,
    }
    if report is not None:
        document |= report.document()
    document["pid"] = pid
    document["paused_until_ms"] = pause.until_ms if pause else None
    if pid is None and report is not None:
        document["state"] = "stopped"  # also when it was killed and could not say so
    return document


def status_lines(paths: AgentPaths, now_ms: int) -> list[str]:
    """The same in words. Raises AgentError."""
    pid = running_pid(paths.lock)
    pause = read_pause(paths, now_ms)
    report = read_status(paths.status)
    state = standing(paths, now_ms)
    lines = [("Consent", _consent(paths, state))]
    idle = "does not run; to start: sysmetric run" if state is Standing.GIVEN else "does not run"
    lines.append(("Agent", f"runs (process {pid})" if pid is not None else idle))
    if pause is not None:
        until = "sysmetric resume" if pause.until_ms is None else local_moment(pause.until_ms)
        lines.append(("Paused", f"until {until}; to end it: sysmetric resume"))
    if report is not None:
        lines += _report(report, now_ms)
    return [f"{label:<9}{words}" for label, words in lines]


def _consent(paths: AgentPaths, state: Standing) -> str:
    documents = load_documents(paths) if state is Standing.GIVEN else None
    if documents is None:
        return STANDING_WORDS[state]
    record, _ = verify_record(documents.record)
    until = utc_day(valid_until_ms(documents, record))
    return f"{STANDING_WORDS[state]} until {until}; you appear as {alias_of(record.instance_id)}"


def _report(report: Status, now_ms: int) -> list[tuple[str, str]]:
    rows = ", ".join(f"{table} {count:,}" for table, count in report.rows_sent.items()) or "no rows"
    lines = [
        ("Server", report.server),
        ("Sampling", ", ".join(f"{table} every {period:g} s" for table, period in report.periods.items())),
        ("Sent", f"{report.batches_sent:,} batches ({rows}), {report.bytes_sent:,} bytes"),
    ]
    if report.last_ack_ms is not None:
        ago = max(0, now_ms - report.last_ack_ms) // 1000
        lines.append(("Answered", f"{ago:,} s ago, after {report.last_latency_ms:g} ms"))
    waiting = f"{report.spool_batches:,} batches, {report.spool_bytes:,} bytes"
    if report.batches_dropped:
        waiting += f"; {report.batches_dropped:,} dropped because they were too old or too many"
    lines.append(("Waiting", waiting))
    if report.next_try_ms is not None:
        lines.append(("Next try", f"in {max(0, report.next_try_ms - now_ms) // 1000:,} s"))
    if report.skew_ms is not None and abs(report.skew_ms) >= 1000:
        lines.append(("Clock", f"the server's is {report.skew_ms / 1000:+.1f} s from this machine's"))
    if report.problem_ms is not None and report.problem_detail:
        lines.append(("Problem", f"{local_moment(report.problem_ms)} {report.problem_detail}"))
    lines += [("Trouble", trouble) for trouble in report.troubles.values()]
    return lines
