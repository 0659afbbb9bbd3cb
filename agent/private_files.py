"""Files that only the volunteer can read: made 0600 in directories that are 0700, checked before they are trusted.

Rules:

* ``/dev/shm`` and ``/tmp`` are shared: whoever makes a name there first owns it. So a directory or a file that is a
  link or another user's is refused, and the message says what to do.
* A file is replaced whole (a new file, then a rename), so that a reader sees the old or the new content, never half.
"""

import contextlib
import os
import stat
from pathlib import Path

from agent.errors import AgentError

_POSIX = os.name == "posix"
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_CLOSE_ON_EXEC = getattr(os, "O_CLOEXEC", 0)


def make_private_directory(path: Path) -> None:
    """Make ``path`` 0700, its parents as the umask says. Raises AgentError if what is there is not private."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.mkdir(mode=0o700)
            if _POSIX:
                path.chmod(0o700)  # whatever the umask made of it
        except FileExistsError:
            pass
        status = path.lstat()
    except OSError as error:
        raise AgentError(f"{path} cannot be made: {error.strerror}") from error
    if not stat.S_ISDIR(status.st_mode):
        raise AgentError(f"{path} is not a directory; move it away and try again")
    if _POSIX and status.st_uid != os.geteuid():
        raise AgentError(f"{path} belongs to another user; choose another place with the SYSMETRIC_*_DIR variables")
    if _POSIX and status.st_mode & 0o077:
        raise AgentError(f"{path} is open to others; run: chmod 700 '{path}'")


def open_private(path: Path, flags: int) -> int:
    """Open (with O_CREAT: make 0600) a file of one's own; the descriptor. Raises AgentError, FileNotFoundError."""
    try:
        descriptor = os.open(path, flags | _NO_FOLLOW | _CLOSE_ON_EXEC, 0o600)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise AgentError(f"{path} cannot be opened: {error.strerror}") from error
    status = os.fstat(descriptor)
    private = stat.S_ISREG(status.st_mode)
    if _POSIX:
        private = private and status.st_uid == os.geteuid() and not status.st_mode & 0o077
    if not private:
        os.close(descriptor)
        raise AgentError(f"{path} is not a private file of yours; remove it and try again")
    return descriptor


def read_private(path: Path, limit: int = 1 << 20) -> bytes | None:
    """Up to ``limit`` bytes of a file of one's own, or None where there is none. Raises AgentError."""
    try:
        descriptor = open_private(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read(limit)


def replace_private(path: Path, content: bytes, *, durable: bool) -> None:
    """Put ``content`` at ``path``, 0600, whole or not at all; ``durable`` syncs it to the disk. Raises AgentError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()  # left by a process of the same number that was killed
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | _CLOSE_ON_EXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(descriptor)
        os.replace(temporary, path)
        if durable:
            sync_directory(path.parent)
    except OSError as error:
        raise AgentError(f"{path} cannot be written: {error.strerror}") from error


def remove(path: Path) -> None:
    """Remove a file if it is there. Raises AgentError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise AgentError(f"{path} cannot be removed: {error.strerror}") from error


def sync_directory(directory: Path) -> None:
    """Make a rename or a removal in ``directory`` outlast a power cut, where the system can do that."""
    if not _POSIX:
        return  # Windows has no handle on a directory that could be synced
    descriptor = os.open(directory, os.O_RDONLY | _CLOSE_ON_EXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
