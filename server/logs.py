"""Logs of the server: lines of ``key=value`` on stderr. No access log, no address of any client."""

import logging
from typing import Any


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
    "formatters": {"line": {"()": "server.logs.KeyValueFormatter"}},
    "filters": {"relevant": {"()": "server.logs.Relevant"}},
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
