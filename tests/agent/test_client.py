"""To whom the agent talks, and what it believes of an answer."""

import gzip
import http.server
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from agent.client import MAX_ANSWER_BYTES, Answer, batch_client, call, check_origin, is_loopback, open_client, send
from agent.errors import ConfigError, Refused, ServerUnreachable
from consent import __version__
from tests.certificates import certificate
from tests.consents import sign_consent


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers with what the server object holds and remembers what it was asked."""

    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_GET(self) -> None:  # pylint: disable=invalid-name  # the library's name
        self.server.asked.append((self.path, dict(self.headers.items()), id(self.connection)))
        status, headers, body = self.server.reply
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass  # the client had read enough

    do_POST = do_GET  # pylint: disable=invalid-name  # the library's name

    def log_message(self, *_arguments: object) -> None:  # pylint: disable=arguments-differ  # silent
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, dict[str, str], int]] = []
        self.reply: tuple[int, dict[str, str], bytes] = (200, {}, b"{}")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def _serving() -> Iterator[_Server]:
    server = _Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def server() -> Iterator[_Server]:
    with _serving() as made:
        yield made


@pytest.mark.parametrize(
    ("origin", "spelling"),
    [
        ("https://example.org", "https://example.org"),
        ("https://EXAMPLE.org:443/", "https://example.org"),
        ("https://example.org:8443", "https://example.org:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://localhost:1", "http://localhost:1"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_origins_in_one_spelling(origin: str, spelling: str) -> None:
    assert check_origin(origin) == spelling


@pytest.mark.parametrize(
    "origin",
    [
        "http://example.org",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://127.0.0.1.example.org",
        "http://localhost.example.org",
        "http://128.0.0.1",
        "http://[::]",
        "ftp://example.org",
        "example.org",
        "https://",
        "",
        "https://user:secret@example.org",
        "https://example.org/path",
        "https://example.org/?q",
        "https://example.org/#k",
        "https://exa mple.org",
        "https://example.org:99999",
        "file:///etc/passwd",
    ],
)
def test_what_is_not_https_to_a_host_alone_is_refused(origin: str) -> None:
    with pytest.raises(ConfigError):
        open_client(origin)


def test_loopback_is_told_by_what_is_written() -> None:
    assert [is_loopback(host) for host in ("127.1.2.3", "::1", "LOCALHOST", "127.0.0.1.nip.io", "1.2.3.4", "")] == [
        *(True, True, True),
        *(False, False, False),
    ]


def test_the_batch_client_goes_to_the_origin_of_the_receipt_only() -> None:
    with batch_client(sign_consent(origin="https://example.org").active) as client:
        assert str(client.base_url) == "https://example.org"
    with pytest.raises(ConfigError, match="must be reached by https"):
        batch_client(sign_consent(origin="http://example.org").active)


def test_one_connection_and_a_user_agent_that_tells_nothing_of_the_system(server: _Server) -> None:
    with open_client(server.url) as client:
        for _ in range(3):
            assert call(client, "GET", "/x") == {}
    assert len({connection for _, _, connection in server.asked}) == 1
    headers = server.asked[0][1]
    assert headers["User-Agent"] == f"sysmetric/{__version__}"
    assert set(headers) == {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}


def test_a_proxy_never_sees_what_is_meant_for_this_machine(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with _serving() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        with open_client(server.url) as client:
            call(client, "GET", "/x")
        assert not proxy.asked and len(server.asked) == 1


def test_a_proxy_is_asked_for_another_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nobody listens there
    with open_client("https://example.org") as client, pytest.raises(ServerUnreachable) as caught:
        call(client, "GET", "/x")
    assert not caught.value.sent


def test_an_unusable_proxy_setting_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://x")
    with pytest.raises(ConfigError, match="proxy"):
        open_client("https://example.org")


def test_redirects_are_not_followed(server: _Server) -> None:
    server.reply = (302, {"Location": f"{server.url}/elsewhere"}, b"")
    with open_client(server.url) as client, pytest.raises(ServerUnreachable, match="something other than the server"):
        call(client, "GET", "/x")
    assert [path for path, _, _ in server.asked] == ["/x"]


def test_an_answer_is_read_up_to_a_bound_and_never_unpacked(server: _Server) -> None:
    server.reply = (200, {}, b"x" * (MAX_ANSWER_BYTES + 1))
    with open_client(server.url) as client, pytest.raises(ServerUnreachable, match="too long") as caught:
        call(client, "GET", "/x")
    assert caught.value.sent
    bomb = gzip.compress(bytes(50_000_000))
    server.reply = (200, {"Content-Encoding": "gzip"}, bomb)
    with open_client(server.url) as client:
        assert send(client, client.build_request("GET", "/x")).body == bomb


def test_a_problem_is_refused_in_the_servers_words_made_safe(server: _Server) -> None:
    detail = "no\x1b[31m consent\nhere"
    server.reply = (
        403,
        {"Content-Type": "application/problem+json"},
        json.dumps({"type": "not-consented", "detail": detail}).encode(),
    )
    with open_client(server.url) as client, pytest.raises(Refused) as caught:
        call(client, "POST", "/x", {"a": 1})
    assert (caught.value.problem, caught.value.exit_code) == ("not-consented", 5)
    assert "\x1b" not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("status", [429, 500, 503, 507])
def test_a_server_that_cannot_answer_now_is_unreachable(server: _Server, status: int) -> None:
    server.reply = (status, {"Content-Type": "application/problem+json"}, b'{"type": "unavailable"}')
    with open_client(server.url) as client, pytest.raises(ServerUnreachable, match="unavailable"):
        call(client, "GET", "/x")


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can begin to answer there
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with (
            open_client(url) as client,
            pytest.raises(ServerUnreachable, match="127.0.0.1 cannot be reached") as caught,
        ):
            call(client, "GET", "/x")
    assert (caught.value.sent, caught.value.exit_code) == (False, 4)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b'{"type": "consent-withdrawn"}'),
        ({"content-type": "text/html"}, b"<html>"),
        ({"content-type": "application/problem+json"}, b"{"),
        ({"content-type": "application/problem+json"}, b"[]"),
        ({"content-type": "application/problem+json"}, b'{"type": 5}'),
        ({"content-type": "application/problem+json"}, b'{"type": "about:blank"}'),
        ({"content-type": "application/problem+json"}, b"[" * 100_000),
    ],
)
def test_what_is_no_problem_document_has_no_type(headers: dict[str, str], body: bytes) -> None:
    assert Answer(410, headers, body).problem() == (None, "unexpected answer 410")


def test_httpx_does_not_bring_rich() -> None:
    code = "import sys, agent.loop, agent.client; print('rich' in sys.modules, 'httpx._main' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
    assert hasattr(httpx, "main"), "its fallback is in place"


@pytest.mark.parametrize(
    ("host", "trusted", "answered"),
    [("127.0.0.1", True, True), ("127.0.0.1", False, False), ("other.example", True, False)],
    ids=["trusted", "unknown authority", "another host's certificate"],
)
def test_tls_is_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, trusted: bool, answered: bool
) -> None:
    context, authority = certificate(tmp_path, host)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    server = _Server()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with open_client(f"https://127.0.0.1:{server.server_address[1]}") as client:
            if answered:
                assert call(client, "GET", "/") == {}
            else:
                with pytest.raises(ServerUnreachable, match="certificate"):
                    call(client, "GET", "/")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert bool(server.asked) is answered, "nothing is said to a server that cannot prove who it is"


def test_an_exchange_ends_in_time_however_many_bytes_arrive() -> None:
    """httpx's timeout alone begins anew with each of them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        gone = threading.Event()

        def drip() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not gone.wait(0.05):
                    connection.sendall(b"a")

        thread = threading.Thread(target=drip)
        thread.start()
        with open_client(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout_seconds=0.3) as client:
            with pytest.raises(ServerUnreachable, match="no answer in time") as caught:
                send(client, client.build_request("POST", "/"))
        assert caught.value.sent, "it may have been stored"
        gone.set()
        thread.join(timeout=10)
