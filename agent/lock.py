"""One agent at a time: a lock that the system frees when the process ends, however it ends."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from agent.errors import AgentError
from agent.private_files import open_private


@contextlib.contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Hold the lock. Raises AgentError naming the process that has it."""
    descriptor = open_private(path, os.O_RDWR | os.O_CREAT)
    try:
        if not _lock_soon(descriptor):
            raise AgentError(f"the agent runs already (process {_pid(descriptor)}); see: sysmetric status")
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)


def running_pid(path: Path) -> int | None:
    """The number of the process that holds the lock, or None when no agent runs. Raises AgentError."""
    try:
        descriptor = open_private(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        return None if _try_lock(descriptor) else _pid(descriptor)
    finally:
        os.close(descriptor)


def _lock_soon(descriptor: int) -> bool:
    """A few tries: whoever asks ``running_pid`` holds the lock for a moment."""
    for _ in range(5):
        if _try_lock(descriptor):
            return True
        time.sleep(0.05)
    return _try_lock(descriptor)


def _pid(descriptor: int) -> int:
    os.lseek(descriptor, 0, os.SEEK_SET)
    text = os.read(descriptor, 20)
    return int(text) if text.isdigit() else 0


if sys.platform == "win32":
    import msvcrt  # pylint: disable=import-error  # exists on Windows only

    def _try_lock(descriptor: int) -> bool:
        # Far behind the content, because Windows keeps others from reading what is locked.
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
