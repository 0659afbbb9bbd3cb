"""A withdrawal left with the server, sealed, for the day on which this machine is lost.

Rules:

* The withdrawal is signed here, with the volunteer's key, and sealed with a key that only the code gives. The server
  gets sealed bytes and a lookup value, under a signed request; it can neither read nor use them without the code.
* The code is shown once, after the server has taken the sealed withdrawal: a code that is shown works. It is written
  to no file and no log here; what stays is a note that one was made, and when.
* A new code replaces the old one, which opens nothing from then on.
"""

import base64
import json
from collections.abc import Callable

from agent.client import expect_object
from agent.documents import load
from agent.errors import NoConsent
from agent.paths import AgentPaths
from agent.private_files import read_private, replace_private
from agent.signed_request import signed_post
from agent.withdrawal import sign_withdrawal
from consent.chain import ActiveConsent
from consent.wire import CODE_TAG, CODES_PATH
from consent.withdrawal_code import WithdrawalCode, new_code, seal


def leave_withdrawal(
    paths: AgentPaths,
    consent: ActiveConsent,
    local_ms: Callable[[], int],
    make_code: Callable[[], WithdrawalCode] = new_code,
) -> WithdrawalCode:
    """Make a code and leave what it opens with the server of the consent. Raises ServerUnreachable, Refused,
    ConsentError; then there is no code, or the old one holds.
    """
    record_jws = load(paths.record)
    if record_jws is None:
        raise NoConsent("there is no consent on this machine, so there is nothing that a code could withdraw")
    code = make_code()
    sealed = seal(code, consent.record_id, sign_withdrawal(paths, record_jws, local_ms()))
    body = json.dumps({"lookup": _base64(code.lookup), "sealed": _base64(sealed)}).encode()
    with signed_post(consent, CODES_PATH, CODE_TAG, local_ms, body=body) as (answer, _):
        expect_object(answer)
    note = {"record": consent.record_id, "time": local_ms()}
    replace_private(paths.code_note, json.dumps(note).encode(), durable=True)
    return code


def code_made_ms(paths: AgentPaths, record_id: str) -> int | None:
    """When the code for this record was made (ms), or None: there is none, or it was made on another machine."""
    content = read_private(paths.code_note, 1000)
    try:
        note = json.loads(content or b"null")
        time = note["time"] if note["record"] == record_id else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return time if isinstance(time, int) and not isinstance(time, bool) else None


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()
