"""A q that knows no function: it takes any login and call and plays back bytes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress


class Player:
    """``replies`` are played in turn, one to each message; ``received`` are the messages, with their headers."""

    def __init__(self, listener: socket.socket, replies: list[bytes]) -> None:
        self.port: int = listener.getsockname()[1]
        self.received: list[bytes] = []
        self.logins: list[bytes] = []
        self._listener, self._replies = listener, replies

    def run(self) -> None:
        """Serve one connection after the other until the listener is closed."""
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with closing(connection), suppress(OSError):
                self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        login = b""
        while not login.endswith(b"\0"):
            if not (more := connection.recv(1024)):
                return
            login += more
        self.logins.append(login)
        connection.sendall(b"\x03")
        while True:
            message = b""
            while len(message) < 8 or len(message) < int.from_bytes(message[4:8], "little"):
                if not (more := connection.recv(1 << 20)):
                    return
                message += more
            self.received.append(message)
            connection.sendall(self._replies.pop(0))


@contextmanager
def playing(*replies: bytes) -> Iterator[Player]:
    """A player on a free port of loopback until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    player = Player(listener, list(replies))
    thread = threading.Thread(target=player.run, name="player", daemon=True)
    thread.start()
    try:
        yield player
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # wakes accept; closing alone does not
        listener.close()
        thread.join(10)
