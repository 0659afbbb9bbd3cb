"""The files that an import is about: what the command line names, and what lies in the directories it names.

Rules:

* A directory is walked in the order of its names, without following links to directories. Hidden files, what is no
  regular file and what cannot be read are left out, each by name. A path that is named itself is taken as it is.
* collectd's CSV files, one per metric, are told by their first line and become one file per directory that was named.
* ``-`` is the standard input.
"""

import io
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from server.imports import collectd

STDIN = "-"


@dataclass(frozen=True, slots=True)
class Source:
    """Something to read: its name for people, its bytes where that is known, the path if it is one file, the directory
    if it is a tree of collectd's."""

    name: str
    open: Callable[[], BinaryIO]
    size: int | None = None
    path: Path | None = None
    directory: Path | None = None


def find(names: Sequence[str], left_out: Callable[[str, str], None]) -> list[Source]:
    """What to read, in order. ``left_out(name, reason)`` hears of what is not taken."""
    found: list[Source] = []
    for name in names:
        path = Path(name)
        if name == STDIN:
            found.append(Source("standard input", lambda: cast(BinaryIO, io.FileIO(0, closefd=False))))
        elif path.is_dir():
            found += _in_directory(path, left_out)
        else:
            found.append(_file(path))
    return found


def metrics_in(top: Path) -> list[Path]:
    """collectd's files in a directory, ordered by name."""
    return [path for path, is_metric in _classified(top, lambda *_: None) if is_metric]


def _in_directory(top: Path, left_out: Callable[[str, str], None]) -> Iterator[Source]:
    metrics: list[Path] = []
    for path, is_metric in _classified(top, left_out):
        if is_metric:
            metrics.append(path)
        else:
            yield _file(path)
    if metrics:
        size = sum(path.stat().st_size for path in metrics)
        yield Source(str(top), lambda: cast(BinaryIO, collectd.Tree([metrics])), size, None, top)


def _classified(top: Path, left_out: Callable[[str, str], None]) -> Iterator[tuple[Path, bool]]:
    for path in _walk(top, left_out):
        try:
            with path.open("rb") as stream:
                yield path, collectd.is_metric(stream.read(256))
        except OSError as error:
            left_out(str(path), f"cannot be read: {error.strerror}")


def _walk(top: Path, left_out: Callable[[str, str], None]) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        left_out(str(error.filename), f"cannot be read: {error.strerror}")

    for directory, below, files in os.walk(top, onerror=unreadable):
        for name in sorted(name for name in below if name.startswith(".")):
            left_out(str(Path(directory, name)), "hidden")
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(files):
            path = Path(directory, name)
            if name.startswith("."):
                left_out(str(path), "hidden")
            elif not _is_regular(path):
                left_out(str(path), "no regular file")
            else:
                yield path


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _file(path: Path) -> Source:
    try:
        state = path.stat()
        size = state.st_size if stat.S_ISREG(state.st_mode) else None
    except OSError:  # told when it is opened
        size = None
    return Source(str(path), lambda: cast(BinaryIO, io.FileIO(path)), size, path)
