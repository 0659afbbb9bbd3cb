"""A real q engine with the q files of ``server/kdb``, where one is found; else the test is skipped, with the reason."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from server.store.kdb import KdbStore
from server.store.kdb_connection import Login, address_of
from server.store.protocol import Store
from tests.server.kdb.engine import running_q, why_not
from tests.store.samples import Clock

#: An interpreter of q in a test takes its time over 40,000 rows; KX's engine does not.
PATIENCE_SECONDS = 300.0


def engine_opener(running: ExitStack) -> Callable[[Path, Clock], Store]:
    """Opens stores on an engine; opening the same directory again kills the engine and starts it anew."""
    if reason := why_not():
        pytest.skip(reason)
    engines: dict[Path, ExitStack] = {}

    def opener(directory: Path, clock: Clock) -> Store:
        if directory in engines:
            engines[directory].close()
        engines[directory] = running.enter_context(ExitStack())
        engine = engines[directory].enter_context(running_q(directory))
        login = directory / "kdb-credentials"
        login.write_text(engine.credentials, encoding="ascii")
        login.chmod(0o600)
        address = address_of(f"kdb://{engine.host}:{engine.port}")
        return KdbStore(address, Login(login), clock, quick_seconds=PATIENCE_SECONDS)

    return opener
