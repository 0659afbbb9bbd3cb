"""One process per data directory: an advisory lock on ``server.lock`` that ends with the process that holds it.

Rules:

* ``flock`` where there is one, ``msvcrt.locking`` on Windows: the system lets go when the process dies, so that a
  crash never leaves a lock behind. The file itself stays; removing it would let two processes lock two files.
* The file says where the holder answers (a base URL) or nothing. What it says counts only while the lock is held.
* Who holds it without an address is a short command: a server that starts waits for it, ``PATIENCE_SECONDS`` at most.
"""

import os
import sys
import time
from pathlib import Path
from types import TracebackType

from server.errors import AlreadyRunning, ConfigError

PATIENCE_SECONDS = 10.0
_LOOK_SECONDS = 0.02
_LONGEST = 1024


class Lock:
    """A held lock. ``release`` lets go; twice is the same as once."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, path: Path, base_url: str = "") -> "Lock":
        """Take the lock at once and write where its holder answers. Raises AlreadyRunning, or ConfigError if the
        directory cannot be written."""
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        try:
            descriptor = os.open(path, flags, 0o600)
        except FileNotFoundError as error:
            raise ConfigError(f"{path.parent} holds no installation; make one with: sysmetric-server init") from error
        except OSError as error:
            raise ConfigError(f"{path} cannot be opened: {error.strerror}") from error
        if not _try_lock(descriptor):
            holder = os.pread(descriptor, _LONGEST, 0) if hasattr(os, "pread") else path.read_bytes()[:_LONGEST]
            os.close(descriptor)
            raise AlreadyRunning(str(path.parent), holder.decode("utf-8", "replace").strip())
        os.ftruncate(descriptor, 0)
        os.write(descriptor, base_url.encode())
        return cls(descriptor)

    @classmethod
    def acquire_patiently(cls, path: Path, base_url: str = "") -> "Lock":
        """Take the lock when a short command lets go of it; else as ``acquire``."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return cls.acquire(path, base_url)
            except AlreadyRunning as running:
                if running.base_url or time.monotonic() > deadline:
                    raise
            time.sleep(_LOOK_SECONDS)

    def release(self) -> None:
        """Let go."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)  # the lock goes with the descriptor

    def __enter__(self) -> "Lock":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


if sys.platform == "win32":
    import msvcrt  # pylint: disable=import-error  # Windows only

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)  # far behind the text: Windows bars others from a locked range
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
