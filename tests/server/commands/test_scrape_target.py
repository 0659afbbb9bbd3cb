"""What ``sysmetric-server scrape`` polls: URLs, and servers that misbehave."""

import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import typer

from server.commands.scrape_target import LARGEST_BODY, TargetFailed, fetch, open_client, target_of

GOOD = b"node_time_seconds 1\n"


class _Misbehaving(BaseHTTPRequestHandler):
    """What it does is the path."""

    def do_GET(self) -> None:  # pylint: disable=invalid-name  # http.server's name
        kind = self.path.strip("/")
        if kind == "drip":
            self._drip()
            return
        self.send_response({"broken": 500, "elsewhere": 302}.get(kind, 200))
        self.send_header("Content-Type", "text/html" if kind == "page" else "text/plain; version=0.0.4")
        body = {"bomb": gzip.compress(bytes(LARGEST_BODY + 1)), "packed": gzip.compress(GOOD)}.get(kind, GOOD)
        if kind in ("bomb", "packed"):
            self.send_header("Content-Encoding", "gzip")
        if kind == "elsewhere":
            self.send_header("Location", "http://192.0.2.1/metrics")
        if kind == "cut":
            self.send_header("Content-Length", "1000")
        self.end_headers()
        try:
            if kind == "huge":
                for _ in range(LARGEST_BODY // 65536 + 1):
                    self.wfile.write(bytes(65536))
            elif kind == "slow":
                while True:
                    self.wfile.write(b"#\n")
                    time.sleep(0.05)  # what the test is about: a byte now and then
            self.wfile.write(body)
        except OSError:
            pass  # the client left, as it should

    def _drip(self) -> None:
        """A header that never ends."""
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while True:
                self.wfile.write(b"a")
                time.sleep(0.05)  # what the test is about: a byte now and then
        except OSError:
            pass  # the client left, as it should

    def log_message(self, format: str, *args: object) -> None:  # pylint: disable=redefined-builtin  # its name
        """Nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A real server on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Misbehaving)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("broken", "status 500"),
        ("elsewhere", "status 302"),
        ("page", "web page"),
        ("huge", "longer than 16 MiB"),
        ("bomb", "longer than 16 MiB"),
        ("cut", "broke off"),
        ("slow", "too long"),
        ("drip", "did not answer within 1 s"),
    ],
)
def test_a_server_that_misbehaves_fails_within_bounds(url: str, kind: str, words: str) -> None:
    began = time.monotonic()
    with open_client(1.0) as client, pytest.raises(TargetFailed, match=words):
        fetch(client, f"{url}/{kind}", 1.0)
    assert time.monotonic() - began < 8


@pytest.mark.parametrize("kind", ["good", "packed"])
def test_a_good_answer_is_read_plain_and_packed(url: str, kind: str) -> None:
    with open_client(5.0) as client:
        assert fetch(client, f"{url}/{kind}", 5.0) == GOOD.decode()


@pytest.mark.parametrize(
    "url_given", ["http://192.0.2.1:9100", "ftp://localhost", "localhost:9100", "http://me:word@localhost", "http://[x"]
)
def test_urls_that_are_refused(url_given: str) -> None:
    with pytest.raises(typer.BadParameter):
        target_of(url_given, None, False, False)


def test_a_target_is_named_by_its_host_and_port() -> None:
    made = target_of("https://web1.example.org:9100", None, False, False)
    assert (made.source, made.url) == ("web1.example.org:9100", "https://web1.example.org:9100/metrics")
