"""A note that the server declared a consent over for good, so that starting the agent again does not sample again.

It names the record, so it says nothing about a consent that is given later.
"""

import json

from agent.errors import NoConsent
from agent.paths import AgentPaths
from agent.private_files import read_private, replace_private
from consent.chain import ActiveConsent


def note_ended(paths: AgentPaths, consent: ActiveConsent, detail: str, now_ms: int) -> None:
    """Write the note. Raises AgentError."""
    note = {"record": consent.record_id, "detail": detail, "time": now_ms}
    replace_private(paths.ended, json.dumps(note).encode(), durable=True)


def check_not_ended(paths: AgentPaths, consent: ActiveConsent) -> None:
    """Raises NoConsent if the server has declared this very consent over."""
    content = read_private(paths.ended)
    if content is None:
        return
    try:
        note = json.loads(content)
        ended = note["record"] == consent.record_id
        detail = str(note["detail"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return  # not a note of ours; the server will say it again
    if ended:
        raise NoConsent(f"the server ended this consent ({detail}); to join again, run: sysmetric consent give URL")
