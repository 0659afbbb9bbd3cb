"""The production server: Granian in front of the WSGI application, one worker process with several threads.

Rules:

* Granian's main process binds the port and watches; its one worker holds the lock, the registry and the store. More
  workers would each need the store, which one process owns. Threads wait for the group commit together.
* An address that a network can reach is refused without TLS, here or at a proxy that the operator vouches for.
* SIGTERM lets the requests under way finish, closes the store and ends with 0; SIGINT the same with 130, and SIGHUP
  (a terminal that was closed) like SIGTERM, unless it was ignored from the start (nohup). Granian would take SIGHUP
  for a reload, with a second worker that cannot have the lock. When the main process dies without a word, the worker
  ends itself, so that nobody holds the data without being known to.
* The notice in force promises how long a sample lives. A configuration that keeps them longer is not served.
* Logs are lines of ``key=value`` on stderr: no access log, no address of any client.
"""

import contextlib
import logging
import multiprocessing
import multiprocessing.connection
import multiprocessing.util
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer

from consent.errors import ConsentError
from server import end_of_day
from server.app import create_app
from server.config import DATA_DIR_VARIABLE, PREFIX, Config, data_dir_of, load_config
from server.days import longest_life_hours
from server.errors import ConfigError, NotFound, ServerError
from server.lock import Lock
from server.reach import admin_url
from server.runtime import Runtime, open_runtime
from server.settings import is_loopback
from server.withdrawal import finish_withdrawals

#: How long a stop may take before the worker is killed; systemd's unit allows 15 s.
STOP_SECONDS = 12
_HEADER_READ_MS = 15_000
_log = logging.getLogger("sysmetric.server")


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


def check_promise(runtime: Runtime) -> None:
    """Raises ConfigError when the published notice promises a shorter life than the configuration gives, or there is
    no notice yet."""
    try:
        current = runtime.registry.current_notice("en")
    except NotFound as error:
        raise ConfigError(str(error)) from error
    promised = current.offer.retention.samples_hours
    if longest_life_hours(runtime.config) > promised:
        raise ConfigError(
            f"notice {current.version} promises that no sample is older than {promised} hours, and retention_hours = "
            f"{runtime.config.retention_hours} keeps them longer; lower it, or run: sysmetric-server notice publish"
        )


def serve(config: Config, flags: Mapping[str, Any]) -> int:
    """Serve until told to stop; the exit code. ``flags`` are handed to the worker. Raises ServerError."""
    check_exposure(config)
    check_files(config)
    with Lock.acquire(config.lock_path):
        pass  # nobody else has the data directory open: said here, before anything starts
    host, port = config.address
    _check_port(host, port, config.listen)
    for name, value in flags.items():  # the worker reads its settings anew, from the same sources
        os.environ[PREFIX + name.upper()] = str(value).lower() if isinstance(value, bool) else str(value)
    os.environ[DATA_DIR_VARIABLE] = str(config.data_dir)
    granian = _Server(
        "server.serving:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=1,
        blocking_threads=config.threads,
        http=HTTPModes.auto,
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


def application() -> Flask:
    """What the worker serves: opened here, closed when the worker ends. What is wrong is one sentence, and the end."""
    try:
        config = load_config(data_dir_of(os.environ), os.environ)
        runtime = open_runtime(config, base_url=admin_url(config))
    except (ServerError, ConsentError) as error:
        _end(error)
    try:
        check_promise(runtime)
        finish_withdrawals(runtime)
        end_of_day.schedule(runtime)
        app = create_app(runtime)
    except (ServerError, ConsentError) as error:
        runtime.close()
        _end(error)
    # A forked worker leaves without running atexit's functions; multiprocessing runs its own.
    multiprocessing.util.Finalize(None, runtime.close, exitpriority=100)
    _follow_parent()
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the main process decides, and says so with SIGTERM
    scheme = "https" if config.tls_cert else "http"
    _log.info("listening url=%s://%s origin=%s", scheme, config.listen, config.origin)
    return app


def _end(error: Exception) -> NoReturn:
    print(f"sysmetric-server: {error}", file=sys.stderr, flush=True)
    os._exit(1)


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="follow-parent", daemon=True).start()


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


class Relevant(logging.Filter):
    """Leaves out Granian's advice to have few threads: ours wait for the disk, they do not compute."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write the line."""
        return "Python threads, which seems quite high" not in record.getMessage()


class KeyValueFormatter(logging.Formatter):
    """``time=... level=... logger=... event`` with line breaks escaped: one line per entry, whatever is in it."""

    default_time_format = "%Y-%m-%dT%H:%M:%S"

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        stamp = self.formatTime(record)
        message = record.getMessage().replace("\n", "\\n")
        text = f"time={stamp} level={record.levelname.lower()} logger={record.name} {message}"
        if record.exc_info and record.exc_info[1] is not None:
            # The kind only: a message may hold a value, and where it happened is in the application's own log line.
            text += f" error={type(record.exc_info[1]).__name__}"
        return text


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "server.serving.KeyValueFormatter"}},
    "filters": {"relevant": {"()": "server.serving.Relevant"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["relevant"],
            "stream": "ext://sys.stderr",
        }
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "_granian": {"level": "WARNING"},
        "granian.access": {"level": "CRITICAL", "propagate": False},
        "sysmetric": {"level": "INFO"},
        "apscheduler": {"level": "WARNING"},
    },
}
