"""Where the agent keeps its files: computed here, made only after the yes.

Rules:

* Three directories, each with an override: data (``SYSMETRIC_DATA_DIR``), configuration (``SYSMETRIC_CONFIG_DIR``)
  and runtime (``SYSMETRIC_RUNTIME_DIR``). Computing them touches nothing; ``prepare`` makes data and runtime, 0700.
* The runtime directory is in memory on Linux (the session's own, else ``/dev/shm``), so that the log of what was sent
  and the status never reach the volunteer's disk and are gone after a restart.
* A directory that is a link, that belongs to another user or that others can enter is refused, never repaired.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.private_files import make_private_directory

_APP = "sysmetric"


@dataclass(frozen=True, slots=True)
class AgentPaths:
    """Every file of the agent, by name."""

    data_dir: Path
    config_dir: Path
    runtime_dir: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "AgentPaths":
        """The directories for this user on this system. Creates nothing."""
        return cls(
            data_dir=_chosen(environ, "SYSMETRIC_DATA_DIR") or _platform_dir("user_data_dir"),
            config_dir=_chosen(environ, "SYSMETRIC_CONFIG_DIR") or _platform_dir("user_config_dir"),
            runtime_dir=_chosen(environ, "SYSMETRIC_RUNTIME_DIR") or _runtime_dir(environ),
        )

    @property
    def key(self) -> Path:
        """The volunteer's private key, PKCS8 PEM, 0600."""
        return self.data_dir / "key.pem"

    @property
    def notice(self) -> Path:
        """The signed notice that was agreed to."""
        return self.data_dir / "notice.jws"

    @property
    def record(self) -> Path:
        """The signed consent record."""
        return self.data_dir / "record.jws"

    @property
    def receipt(self) -> Path:
        """The operator's receipt for the record."""
        return self.data_dir / "receipt.jws"

    @property
    def withdrawal(self) -> Path:
        """The signed withdrawal. Where it exists nothing is sampled."""
        return self.data_dir / "withdrawal.jws"

    @property
    def erasure_receipt(self) -> Path:
        """The operator's receipt for the erasure."""
        return self.data_dir / "erasure-receipt.jws"

    @property
    def enrolment(self) -> Path:
        """The server that was enrolled at: ``{"url": origin, ...}``."""
        return self.data_dir / "enrolment.json"

    @property
    def pause(self) -> Path:
        """Until when sampling rests."""
        return self.data_dir / "pause.json"

    @property
    def ended(self) -> Path:
        """Which record the server declared over for good."""
        return self.data_dir / "ended.json"

    @property
    def code_note(self) -> Path:
        """That a withdrawal code was made, and when; never the code."""
        return self.data_dir / "withdrawal-code.json"

    @property
    def spool(self) -> Path:
        """Batches that wait for the server, and the sequence numbers."""
        return self.data_dir / "spool.sqlite3"

    @property
    def config(self) -> Path:
        """The volunteer's settings; never written by the agent."""
        return self.config_dir / "config.toml"

    @property
    def sent_log(self) -> Path:
        """The fixed-size log of everything that was sent today."""
        return self.runtime_dir / "sent.jsonl"

    @property
    def status(self) -> Path:
        """What the running agent last said about itself."""
        return self.runtime_dir / "status.json"

    @property
    def lock(self) -> Path:
        """Held by the one agent that runs."""
        return self.runtime_dir / "agent.lock"

    def prepare(self) -> None:
        """Make the data and the runtime directory, 0700. Only after the yes. Raises AgentError: not private."""
        make_private_directory(self.data_dir)
        make_private_directory(self.runtime_dir)


def _chosen(environ: Mapping[str, str], name: str) -> Path | None:
    value = environ.get(name)
    return Path(value).absolute() if value else None


def _platform_dir(function: str) -> Path:
    import platformdirs  # pylint: disable=import-outside-toplevel  # not needed where all three are overridden

    return Path(getattr(platformdirs, function)(_APP, appauthor=False))


def _runtime_dir(environ: Mapping[str, str]) -> Path:
    """The session's directory where there is one, found the same way from a service, a shell and cron."""
    if sys.platform.startswith("linux"):
        session = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
        if Path(session).is_dir():
            return Path(session) / _APP
        if Path("/dev/shm").is_dir():
            return Path("/dev/shm") / f"{_APP}-{os.geteuid()}"
    return _platform_dir("user_runtime_dir")
