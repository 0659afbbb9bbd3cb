"""Single keys from a terminal, without Enter; where stdin is no terminal, only the waiting."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

Wait = Callable[[float], str | None]


def _only_wait(seconds: float) -> str | None:  # pylint: disable=useless-return  # None: no key was pressed
    time.sleep(max(seconds, 0))
    return None


if sys.platform == "win32":
    import msvcrt  # pylint: disable=import-error  # Windows only

    def _wait_for_key(seconds: float) -> str | None:
        deadline = time.monotonic() + seconds
        while not msvcrt.kbhit():
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            time.sleep(min(left, 0.05))  # the console has no way to wait for a key with a timeout
        return msvcrt.getwch()

    @contextlib.contextmanager
    def single_keys() -> Iterator[Wait]:
        """``wait(seconds)`` gives the key that was pressed, or None when the time is up."""
        yield _wait_for_key if sys.stdin is not None and sys.stdin.isatty() else _only_wait

else:
    import os
    import select
    import termios
    import tty

    @contextlib.contextmanager
    def single_keys() -> Iterator[Wait]:
        """``wait(seconds)`` gives the key that was pressed, or None when the time is up."""
        if sys.stdin is None or not sys.stdin.isatty():
            yield _only_wait
            return
        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)

        def wait_for_key(seconds: float) -> str | None:
            ready, _, _ = select.select([descriptor], [], [], max(seconds, 0))
            if not ready:
                return None
            pressed = os.read(descriptor, 64)
            return pressed.decode("utf-8", "replace") if pressed else "q"  # the terminal is gone

        tty.setcbreak(descriptor)
        try:
            yield wait_for_key
        finally:
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
