"""The process that serves: opens the installation, closes it when it ends.

Rule: it ends by itself when the main process dies without a word, so that nobody holds the data without being known to.
"""

import logging
import multiprocessing
import multiprocessing.connection
import multiprocessing.util
import os
import signal
import sys
import threading

from consent.errors import ConsentError
from server.app import create_app
from server.errors import ServerError
from server.reach import admin_url
from server.reception import Reception
from server.startup import open_to_serve

_log = logging.getLogger("sysmetric.server")


def application() -> Reception:
    """What the worker serves: opened here, closed when the worker ends. What is wrong is one sentence, and the end."""
    try:
        runtime = open_to_serve(os.environ, admin_url)
    except (ServerError, ConsentError) as error:
        print(f"sysmetric-server: {error}", file=sys.stderr, flush=True)
        os._exit(1)  # an exception would end in Granian's traceback
    # A forked worker leaves without running atexit's functions; multiprocessing runs its own.
    multiprocessing.util.Finalize(None, runtime.close, exitpriority=100)
    _follow_parent()
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the main process decides, and says so with SIGTERM
    config = runtime.config
    scheme = "https" if config.tls_cert else "http"
    _log.info("listening url=%s://%s origin=%s", scheme, config.listen, config.origin)
    return Reception(create_app(runtime), config.threads)


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="follow-parent", daemon=True).start()
