"""One process, one store: a lock on a file in the store's directory. The system lets go of it when a process dies."""

import os
import sys
from pathlib import Path

from server.errors import StoreUnavailable

if sys.platform == "win32":
    import msvcrt  # pylint: disable=import-error  # a module of Windows only

    def _try_lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        # flock, not POSIX record locks: those are lost as soon as this process opens and closes the file elsewhere.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class DirectoryLock:
    """Held from construction to ``release``. Raises StoreUnavailable when anyone else, in any process, holds it."""

    def __init__(self, directory: Path) -> None:
        descriptor = os.open(directory / "store.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _try_lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            raise StoreUnavailable(
                f"the store in {directory} is in use by another process; "
                "stop it first, or give the command to the running server"
            ) from error
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Let go, once; the file stays, since removing it would let two processes lock two different files."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
