"""Every error of the consent package.

ConsentError                the root; ``str(error)`` is one sentence for a person
|-- NoticeError             a notice text is missing, malformed or not the one that was promised
|-- SignatureInvalid        a JWS does not verify: wrong key, algorithm, type or bytes
|   `-- OtherKey            it verifies, under another key than the one that was expected
|-- KeyFileError            a private key file is missing, readable by others or damaged
|-- RecordError             verified bytes that are not a well-formed record; carries ``path``
|-- ChainBroken             documents that verify alone but do not belong together
|-- CodeMistyped            a withdrawal code with a typing mistake in it
|-- CodeWrong               a withdrawal code that opens nothing
|-- TransitionRefused       the consent state machine has no such step; carries ``state`` and ``event``
`-- WireError               a batch or an ack that breaks the wire format; carries ``path``
"""


class ConsentError(Exception):
    """Root of the tree. The message says what is wrong and, where there is one, the next step."""


class NoticeError(ConsentError):
    """A notice is missing, malformed, or differs from the one that was promised."""


class SignatureInvalid(ConsentError):
    """A JWS does not verify under the pinned algorithm, type and key."""


class OtherKey(SignatureInvalid):
    """A JWS verifies, but it is signed by another key than the one that was expected."""


class KeyFileError(ConsentError):
    """A private key file cannot be used; the message holds the mending command."""


class RecordError(ConsentError):
    """A verified document lacks a field or holds a wrong one."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class ChainBroken(ConsentError):
    """Documents that each verify but do not belong together (another record, another operator)."""


class CodeMistyped(ConsentError):
    """What was typed is no withdrawal code; the message says what to look for and never repeats it."""


class CodeWrong(ConsentError):
    """A withdrawal code that is well formed and opens nothing."""


class TransitionRefused(ConsentError):
    """The state machine has no step for this event."""

    def __init__(self, state: str, event: str) -> None:
        super().__init__(f"a consent that is {state} cannot be {event}")
        self.state = state
        self.event = event


class WireError(ConsentError):
    """A message breaks the wire format; ``path`` points at the offending part (``cpu.user[3]``)."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
