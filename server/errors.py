"""Every error of the server.

ServerError                 the root; ``str(error)`` is one sentence for a person
|-- ConfigError             the configuration is missing or wrong
|-- AlreadyRunning          another process has the data directory open; carries ``base_url``
|-- ServerUnreachable       the running server does not answer the command line
|-- TokenRefused            the running server refuses the operator token
|-- InvalidRequest          an operator's act was asked for in a way that makes no sense
|-- RegistryError           the registry refuses
|   |-- NotFound
|   |-- Conflict            the same id with other content
|   |-- InviteRefused       unknown, used up, revoked or expired
|   |-- NonceRefused        unknown, used or expired
|   |-- RegistryUnusable    the file is damaged, of another program or version, locked, or the key is another one
|   `-- EvidenceUnreadable  sealed bytes that do not open: changed, moved to another row, or their key is destroyed
|-- StoreError              the store refuses
|   |-- StoreUnavailable
|   |-- StorageFull
|   |-- SequenceReused      carries ``instance`` and ``sequence``
|   `-- InstanceErased      carries ``instance``
|-- ImportFailed            a file cannot be imported; carries ``path`` and ``entry``
|-- DecodeError             bytes that are not a valid batch; carries ``path``
`-- ProblemError            an answer as problem+json; carries ``problem``
"""

from consent.wire import Problem


class ServerError(Exception):
    """Root of the tree. The message says what is wrong and, where there is one, the next step."""


class ConfigError(ServerError):
    """The configuration is missing or wrong; the message names the key and the next step."""


class AlreadyRunning(ServerError):
    """Another process has the data directory open; ``base_url`` says where it answers, empty for a short command."""

    def __init__(self, data_dir: str, base_url: str) -> None:
        where = f"a server on {base_url}" if base_url else "another command; try again when it is done"
        super().__init__(f"{data_dir} is in use by {where}")
        self.base_url = base_url


class ServerUnreachable(ServerError):
    """The lock says that a server runs, and it does not answer."""


class TokenRefused(ServerError):
    """The running server refuses the operator token of this data directory."""


class InvalidRequest(ServerError):
    """An operator's act was asked for with values that make no sense; the message says which."""


class RegistryError(ServerError):
    """The registry refuses."""


class NotFound(RegistryError):
    """Nothing of that id is here."""


class Conflict(RegistryError):
    """The same id was used before with other content."""


class InviteRefused(RegistryError):
    """The invite is unknown, used up, revoked or expired; callers do not say which."""


class NonceRefused(RegistryError):
    """The nonce is unknown, used or expired."""


class RegistryUnusable(RegistryError):
    """The registry cannot be opened or used as a whole; the message names the file and the next step."""


class EvidenceUnreadable(RegistryError):
    """Sealed evidence does not open: it was changed or moved to another row, or its data key was destroyed."""


class StoreError(ServerError):
    """The store refuses."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or was closed."""


class StorageFull(StoreError):
    """There is no room to make the batch durable."""


class SequenceReused(StoreError):
    """The same (instance, sequence) was stored before with another body."""

    def __init__(self, instance: str, sequence: int) -> None:
        super().__init__(f"sequence {sequence} was used before for other samples")
        self.instance = instance
        self.sequence = sequence


class InstanceErased(StoreError):
    """The instance was erased for good; nothing of it is stored again."""

    def __init__(self, instance: str) -> None:
        super().__init__("this instance was erased")
        self.instance = instance


class ImportFailed(ServerError):
    """A file cannot be imported; ``path`` names the file and ``entry`` the place in it."""

    def __init__(self, path: str, entry: str, reason: str) -> None:
        super().__init__(f"{path}: {entry}: {reason}" if entry else f"{path}: {reason}")
        self.path = path
        self.entry = entry
        self.reason = reason


class DecodeError(ServerError):
    """Bytes that are not a valid batch; ``path`` points at the offending part (``cpu.user[3]``)."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class ProblemError(ServerError):
    """Answered as problem+json (RFC 9457); ``extra`` are further members of the answer."""

    def __init__(self, problem: Problem, detail: str, **extra: str | int) -> None:
        super().__init__(detail)
        self.problem = problem
        self.detail = detail
        self.extra = extra
