"""Slow senders in front of the application: others are still served."""

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from werkzeug.test import Client, EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Request, Response

from consent.wire import BATCHES_PATH, MAX_BATCH_BYTES, Problem
from server.app import LARGEST_BODY
from server.reception import PIECE_BYTES, Reception
from tests.server.problems import check_problem


class Slow:
    """The body of a sender who says nothing more until ``gone``."""

    def __init__(self) -> None:
        self.reading, self.gone = threading.Event(), threading.Event()

    def read(self, _size: int = -1) -> bytes:
        self.reading.set()
        assert self.gone.wait(30)
        return b""


@Request.application
def echo(request: Request) -> Response:
    """Says how much it was sent."""
    return Response(str(len(request.get_data())))


@pytest.fixture
def post_slowly() -> Iterator[Callable[[Reception], Slow]]:
    """Leaves a request hanging in a thread of its own."""
    hanging: list[tuple[Slow, threading.Thread]] = []

    def post(app: Reception) -> Slow:
        slow = Slow()
        environ: dict[str, Any] = EnvironBuilder("/api/v1/consents", method="POST").get_environ()
        environ.update({"wsgi.input": slow, "wsgi.input_terminated": True, "CONTENT_LENGTH": "1000"})
        thread = threading.Thread(target=run_wsgi_app, args=(app, environ))
        thread.start()
        hanging.append((slow, thread))
        assert slow.reading.wait(30)
        return slow

    yield post
    for slow, thread in hanging:
        slow.gone.set()
        thread.join(30)


def test_slow_senders_hold_up_neither_pages_nor_other_senders(post_slowly: Callable[[Reception], Slow]) -> None:
    app = Reception(echo, threads=1)
    for _ in range(20):
        post_slowly(app)
    assert Client(app).get("/").text == "0"
    assert Client(app).post("/", data=b"x" * 100_000).text == "100000"


def test_more_than_fits_is_told_to_slow_down_while_pages_are_served(
    post_slowly: Callable[[Reception], Slow],
) -> None:
    app = Reception(echo, threads=1, pieces=3)
    slow = [post_slowly(app) for _ in range(3)]
    answer = Client(app).post("/", data=b"x")
    check_problem(answer, Problem.SLOW_DOWN)
    assert answer.headers["Retry-After"]
    assert Client(app).get("/").status_code == 200
    for each in slow[:2]:
        each.gone.set()
    for _ in range(1000):
        if Client(app).post("/", data=b"x").status_code == 200:
            break
    assert Client(app).post("/", data=b"x").text == "1"


@pytest.mark.parametrize(
    "path, largest",
    [
        ("/", LARGEST_BODY),
        (BATCHES_PATH, MAX_BATCH_BYTES),
        ("/v1/metrics", 4 * 1024 * 1024),
        ("/api/v1/admin/import-rows", 4 * 1024 * 1024),
    ],
)
def test_what_is_received_is_bounded(path: str, largest: int) -> None:
    received: list[int] = []

    class Endless:
        """As a chunked body without end."""

        def read(self, size: int) -> bytes:
            received.append(size)
            return b"x" * size

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [str(len(environ["wsgi.input"].read())).encode()]

    environ: dict[str, Any] = EnvironBuilder(path, method="POST").get_environ()
    environ.update({"wsgi.input": Endless(), "HTTP_TRANSFER_ENCODING": "chunked"})
    environ.pop("CONTENT_LENGTH", None)
    body, _, _ = run_wsgi_app(Reception(app, threads=1), environ)
    assert largest < int(b"".join(body)) == sum(received) <= largest + PIECE_BYTES


def test_a_body_that_says_it_is_too_large_is_not_received() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("413 Content Too Large", [])
        return [str(type(environ["wsgi.input"]).__name__).encode()]

    environ: dict[str, Any] = EnvironBuilder("/", method="POST").get_environ()
    environ.update({"wsgi.input": Slow(), "CONTENT_LENGTH": str(LARGEST_BODY + 1)})
    body, status, _ = run_wsgi_app(Reception(app, threads=1), environ)
    assert (b"".join(body), status) == (b"Slow", "413 Content Too Large")


def test_a_failure_gives_everything_back() -> None:
    def app(_environ: dict[str, Any], _start_response: Any) -> Iterable[bytes]:
        raise KeyError

    reception = Reception(app, threads=1, pieces=2)
    for _ in range(3):
        with pytest.raises(KeyError):
            Client(reception).post("/", data=b"x")
