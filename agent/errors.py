"""Every error of the agent, each with the exit code that the command line ends with.

AgentError            1     the root; ``str(error)`` is one sentence for a person
|-- ConfigError       2     a setting is unknown or wrong
|-- NoConsent         3     there is no valid consent; the message says the next step
|-- ServerUnreachable 4     nothing is lost: batches stay in the spool, a withdrawal stays to be delivered
|-- Refused           5     the server answered with a problem; carries ``problem``
`-- SpoolError        1     the spool on disk cannot be used
"""


class AgentError(Exception):
    """Root of the tree."""

    exit_code = 1


class ConfigError(AgentError):
    """A setting is unknown or wrong; the message names it."""

    exit_code = 2


class NoConsent(AgentError):
    """There is no valid consent, so nothing is sampled, written or sent."""

    exit_code = 3


class ServerUnreachable(AgentError):
    """The server did not answer; trying again later is safe. ``sent``: the request had already left this machine."""

    exit_code = 4

    def __init__(self, message: str, *, sent: bool = False) -> None:
        super().__init__(message)
        self.sent = sent


class Refused(AgentError):
    """The server answered with a problem (RFC 9457); ``problem`` is its type."""

    exit_code = 5

    def __init__(self, problem: str, detail: str) -> None:
        super().__init__(f"the server refused ({problem}): {detail}")
        self.problem = problem
        self.detail = detail


class SpoolError(AgentError):
    """The spool on disk cannot be used; the message names the file."""
