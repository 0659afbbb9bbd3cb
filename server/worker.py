"""The process that serves: opens the installation, closes it when it ends.

Rules:

* It ends by itself when the main process dies without a word, so that nobody holds the data without being known to.
* Before anything is served, erasures that were cut short are finished and a missed end of day is caught up.
"""

import logging
import multiprocessing
import multiprocessing.connection
import multiprocessing.util
import os
import signal
import sys
import threading
from typing import NoReturn

from consent.errors import ConsentError
from server import end_of_day
from server.app import create_app
from server.config import data_dir_of, load_config
from server.errors import ServerError
from server.promise import check_promise
from server.reach import admin_url
from server.reception import Reception
from server.runtime import open_runtime
from server.withdrawal import finish_withdrawals

_log = logging.getLogger("sysmetric.server")


def application() -> Reception:
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
    return Reception(app, config.threads)


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
