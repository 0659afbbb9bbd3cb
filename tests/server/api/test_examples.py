"""Every example of the description, run by curl against a server that listens: it answers as it is described."""

import base64
import json
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from consent.wire import BATCH_TAG, CODE_TAG, EXPORT_TAG, PAUSE_TAG
from consent.withdrawal_code import LOOKUP_BYTES, SEALED_BYTES
from server.api.openapi import document
from server.app import create_app
from server.runtime import Runtime
from tests.processes import free_port
from tests.server.installation import Clock, Volunteer, initialise, open_installation

OPERATIONS: list[tuple[str, dict[str, Any]]] = [
    (path, operation) for path, item in document()["paths"].items() for operation in item.values()
]
NAMES = [operation["operationId"] for _, operation in OPERATIONS]
TAGS = {"postBatch": BATCH_TAG, "postPause": PAUSE_TAG, "postWithdrawalCode": CODE_TAG, "postExport": EXPORT_TAG}


@dataclass(frozen=True, slots=True)
class Listening:
    """A server on loopback, and who uses it."""

    runtime: Runtime
    app: Any
    origin: str

    def newcomer(self) -> Volunteer:
        return Volunteer(self.app.test_client(), self.clock, self.runtime.thumbprint)

    def invite(self) -> str:
        return self.runtime.registry.create_invite(1, self.clock() + 86_400_000, "", self.clock())[1]

    @property
    def clock(self) -> Clock:
        return Clock()


class Silent(WSGIRequestHandler):
    """Says nothing of whom it serves."""

    def log_request(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listening]:
    """A server that answers at the address that it says is its own."""
    data_dir, port = tmp_path_factory.mktemp("examples") / "server", free_port()
    origin = f"http://127.0.0.1:{port}"
    initialise(data_dir, origin=origin)
    with open_installation(data_dir, Clock()) as runtime:
        app = create_app(runtime)
        server = make_server("127.0.0.1", port, app, threaded=True, request_handler=Silent)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Listening(runtime, app, origin)
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(("path", "operation"), OPERATIONS, ids=NAMES)
def test_an_example_answers_as_it_is_described(listening: Listening, path: str, operation: dict[str, Any]) -> None:
    command = shlex.split(filled(listening, path, operation))
    assert not [word for word in command if re.search(r"\{\w+\}", word)], command
    status, content_type, body = by_curl(command) if shutil.which("curl") else by_hand(command)
    assert 200 <= int(status) < 300, (status, body[:300])
    assert content_type.split(";")[0] in operation["responses"][status]["content"]


def test_without_curl_the_examples_are_read_the_same_way(listening: Listening) -> None:
    for name in ("getHealth", "postAct"):
        path, operation = OPERATIONS[NAMES.index(name)]
        command = shlex.split(filled(listening, path, operation))
        assert by_hand(command)[:2] == ("200", "application/json")


def filled(listening: Listening, path: str, operation: dict[str, Any]) -> str:
    """The example with every ``{name}`` replaced by what makes it work."""
    volunteer, clock = listening.newcomer(), listening.clock
    volunteer.sign(*volunteer.fetch(), ("cpu", "memory", "disk"))
    values = {
        "origin": listening.origin,
        "instance": volunteer.instance,
        "record": volunteer.record_id,
        "record_jws": volunteer.record_jws,
        "invite": listening.invite(),
        "start": str(clock() - 60_000),
        "end": str(clock()),
        "token": listening.runtime.registry.create_token("example", "operator", None, clock())[1],
        "lookup": base64.urlsafe_b64encode(bytes(LOOKUP_BYTES)).decode(),
        "sealed": base64.urlsafe_b64encode(bytes(SEALED_BYTES)).decode(),
    }
    if operation["operationId"] != "postConsent":
        assert volunteer.post_record(values["invite"]).status_code == 201
        values["withdrawal_jws"] = volunteer.sign_withdrawal()
    example = fill(operation["x-example"], values)
    if operation["operationId"] in TAGS:
        headers = volunteer.headers(
            data_of(shlex.split(example)),
            path=path,
            tag=TAGS[operation["operationId"]],
            authority=urlsplit(listening.origin).netloc,
        )
        names = {"content_digest": "Content-Digest", "signature_input": "Signature-Input", "signature": "Signature"}
        example = fill(example, {hole: headers[name] for hole, name in names.items()})
    return example


def fill(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda hole: values.get(hole[1], hole[0]), text)


def data_of(command: list[str]) -> bytes:
    return command[command.index("--data") + 1].encode()


def by_curl(command: list[str]) -> tuple[str, str, str]:
    """Status, content type and body."""
    end = "\n%{http_code} %{content_type}"
    done = subprocess.run(
        [*command, "--silent", "--show-error", "--noproxy", "*", "--max-time", "20", "--write-out", end],
        capture_output=True,
        text=True,
        check=True,
    )
    body, _, last = done.stdout.rpartition("\n")
    status, _, content_type = last.partition(" ")
    return status, content_type, body


def by_hand(command: list[str]) -> tuple[str, str, str]:
    """The same without curl: only what the examples use of it."""
    program, url, *options = command
    assert program == "curl"
    assert set(options[::2]) <= {"-H", "--data"}
    pairs = list(zip(options[::2], options[1::2], strict=True))
    headers = dict(value.split(": ", 1) for option, value in pairs if option == "-H")
    data = next((value.encode() for option, value in pairs if option == "--data"), None)
    try:
        with urlopen(Request(url, data, headers), timeout=20) as answer:
            return str(answer.status), answer.headers["Content-Type"], answer.read().decode()
    except HTTPError as refused:
        with refused:
            return str(refused.code), refused.headers["Content-Type"], refused.read().decode()


def test_the_examples_of_bodies_are_json() -> None:
    for _, operation in OPERATIONS:
        if "--data" in operation["x-example"]:
            example = fill(operation["x-example"], {"start": "1", "end": "2"})
            assert isinstance(json.loads(data_of(shlex.split(example))), dict)
