"""The production server: Granian in front of the WSGI application, one worker process with several threads.

Rules:

* Granian's main process binds the port and watches; its one worker (``server.worker``) holds the lock, the registry
  and the store. More workers would each need the store, which one process owns. The main process loads none of that.
* An address that a network can reach is refused without TLS, here or at a proxy that the operator vouches for.
* SIGTERM lets the requests under way finish, closes the store and ends with 0; SIGINT the same with 130, and SIGHUP
  (a terminal that was closed) like SIGTERM, unless it was ignored from the start (nohup). Granian would take SIGHUP
  for a reload, with a second worker that cannot have the lock.
* Slow and silent clients are expected: connections are many, one that has not sent its header within
  ``HEADER_SECONDS`` is closed (HTTP/1 only; Granian waits for a first byte without end where it could be HTTP/2), and
  ``server.reception`` sees to those who are slow with a body.
"""

import contextlib
import os
import signal
import socket
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from server.admission import SENDERS
from server.config import DATA_DIR_VARIABLE, PREFIX, Config
from server.data_dir import keep_private
from server.errors import ConfigError
from server.lock import Lock
from server.logs import LOGGING
from server.settings import is_loopback

#: How long a stop may take before the worker is killed; systemd's unit allows 15 s.
STOP_SECONDS = 12
HEADER_SECONDS = 30
#: As far as the system lets us; each is one file descriptor.
CONNECTIONS = 8192
#: File descriptors for everything else.
_OTHER_FILES = 256


def check_exposure(config: Config) -> None:
    """Raises ConfigError for an address beyond this machine without TLS."""
    if not is_loopback(config.address[0]) and not config.tls_cert and not config.behind_proxy:
        raise ConfigError(
            f"{config.listen} can be reached from a network, and without TLS everyone on the way reads along: "
            "give --tls-cert and --tls-key, or --behind-proxy where a proxy in front ends TLS"
        )


def check_files(config: Config) -> None:
    """Raises ConfigError for a certificate or key that cannot be used."""
    if not config.tls_cert:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(config.tls_cert, config.tls_key, password="")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise ConfigError(f"tls_cert and tls_key cannot be used: {reason}") from error


def serve(config: Config, flags: Mapping[str, Any]) -> int:
    """Serve until told to stop; the exit code. ``flags`` are handed to the worker. Raises ServerError."""
    check_exposure(config)
    check_files(config)
    keep_private(config.data_dir)
    with Lock.acquire_patiently(config.lock_path):
        pass  # nobody else has the data directory open: said here, before anything starts
    host, port = config.address
    _check_port(host, port, config.listen)
    for name, value in flags.items():  # the worker reads its settings anew, from the same sources
        os.environ[PREFIX + name.upper()] = str(value).lower() if isinstance(value, bool) else str(value)
    os.environ[DATA_DIR_VARIABLE] = str(config.data_dir)
    granian = _Server(
        "server.worker:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=1,
        blocking_threads=config.threads + SENDERS,
        backpressure=_room_for_connections(),
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000),
        websockets=False,
        log_level=LogLevels.warning,
        log_dictconfig=LOGGING,
        ssl_cert=Path(config.tls_cert) if config.tls_cert else None,
        ssl_key=Path(config.tls_key) if config.tls_key else None,
        workers_kill_timeout=STOP_SECONDS,
    )
    try:
        granian.serve()
    except SystemExit as error:
        return int(error.code) if isinstance(error.code, int) else 1
    return 130 if granian.stopped_by == signal.SIGINT else 0


def _room_for_connections() -> int:
    """How many connections may be open; the limit of the system on open files is raised for them."""
    if sys.platform == "win32":
        return CONNECTIONS
    import resource  # pylint: disable=import-outside-toplevel  # not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):  # macOS has a lower bound of its own
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    files = wanted if soft == resource.RLIM_INFINITY else soft
    return max(_OTHER_FILES, min(files, wanted) - _OTHER_FILES)


class _Server(MPServer):
    """Granian, but SIGHUP stops it and it remembers which signal did."""

    stopped_by: int = signal.SIGTERM
    _hangup_counts = not hasattr(signal, "SIGHUP") or signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        """SIGTERM and SIGINT."""
        self.stopped_by = args[0] if args else signal.SIGTERM
        super().signal_handler_interrupt(*args, **kwargs)  # type: ignore[no-untyped-call]  # Granian's

    def signal_handler_reload(self, *args: Any, **kwargs: Any) -> None:
        """SIGHUP."""
        if self._hangup_counts:
            self.signal_handler_interrupt(*args, **kwargs)


def _check_port(host: str, port: int, listen: str) -> None:
    """Raises ConfigError when the address cannot be bound. Granian shares ports (SO_REUSEPORT) and would not notice."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigError(f"cannot listen on {listen}: {error.strerror}; choose another with --listen") from error
