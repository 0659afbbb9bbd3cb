"""``POST /v1/metrics``: OTLP/HTTP 1.x, host metrics that a Collector or an SDK pushes for open servers.

Rules:

* The operator's token comes first: without it nothing is read. Bodies are bounded, as sent and unpacked.
* One request at a time is decoded and stored, in order: rates are between a request and the one before. Its counters
  are kept only when its rows are: what is sent again after 503 makes the same rows, and none is stored twice.
* Data points of interest that cannot be stored are counted and told in ``partial_success``; metrics that are of no
  interest are left out without a word, unless there is nothing else in the request.
* Open servers are public: the name of the machine goes through the same refusal as an import's.
* Every error is a ``google.rpc.Status`` in the encoding of the request. What may be sent again is 429 or 503 with
  ``Retry-After``; 507 is 503 here and 422 is 400, as the specification knows no others.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, Response, request
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

# pylint: disable-next=no-name-in-module  # generated: makes its names as it is loaded
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from werkzeug.exceptions import HTTPException

from consent.wire import MAX_AHEAD_MS, Problem
from server.administration import Desk, perform
from server.administration.importing import refuse_volunteers
from server.api.bearer import operator_token
from server.api.body import read_body, unpack
from server.api.google_status import status_message
from server.api.problems import of_error, of_status, problem_response
from server.api.state import runtime, state
from server.days import retention_floor_ms
from server.errors import InstanceErased, InvalidRequest, ProblemError
from server.imports import Chunker
from server.imports.format import LONGEST_SOURCE
from server.imports.otlp import Host, Refusals, hosts, points_in
from server.imports.otlp_rows import Draft, rows
from server.imports.values import STEPS

PATH = "/v1/metrics"
SOURCE_HEADER = "X-Sysmetric-Source"
LARGEST_BODY = 4 * 1024 * 1024
LARGEST_PLAIN = 32 * 1024 * 1024
#: Objects and lists in a body of JSON: each takes some ten microseconds to read, and empty ones have three bytes.
MOST_OBJECTS = 300_000
PROTOBUF, JSON = "application/x-protobuf", "application/json"
_LONGEST_WAIT_SECONDS = 10.0
_OTHER_STATUS = {422: 400, 507: 503}
_NAMELESS = f"the resource has neither host.name nor service.instance.id; set one, or send {SOURCE_HEADER}"
_NOTHING = "nothing of CPU, memory or whole disks in it: enable host metrics (system.cpu.time, system.memory.usage, ..)"

blueprint = Blueprint("otlp", __name__)


@blueprint.post(PATH)
def post_metrics() -> Response:
    """Store the host metrics of one request."""
    token = operator_token()
    desk = Desk(runtime(), token.name, token.id)
    _check_headers()
    refusals = Refusals()
    with state().admission.enter():
        body = unpack(read_body(LARGEST_BODY), LARGEST_PLAIN)
        with _turn():
            sent = _parsed(body)
            now_ms = runtime().now_ms()
            window = (retention_floor_ms(now_ms, runtime().config), now_ms + MAX_AHEAD_MS)
            found = _named(hosts(sent, refusals, window))
            draft = state().collections.draft()
            for source, host in found.items():
                _store(desk, source, host, draft, refusals)
            state().collections.take(draft)
            if not found and not refusals.points and points_in(sent):
                refusals.words.append(_NOTHING)
    answer = ExportMetricsServiceResponse()
    if refusals.words:
        answer.partial_success.rejected_data_points = min(refusals.points, points_in(sent))
        answer.partial_success.error_message = "; ".join(refusals.words)
    return _response(answer, 200)


@blueprint.errorhandler(Exception)
def handle(error: Exception) -> Response:
    """Every error as a ``google.rpc.Status``."""
    problem = of_status(error.code or 500) if isinstance(error, HTTPException) else of_error(error)
    plain = problem_response(problem)
    code = _OTHER_STATUS.get(plain.status_code, plain.status_code)
    response = _response(status_message(code, problem.detail), code)
    for name in ("Retry-After", "WWW-Authenticate"):
        if name in plain.headers:
            response.headers[name] = plain.headers[name]
    return response


def _check_headers() -> None:
    if request.mimetype not in (PROTOBUF, JSON):
        raise ProblemError(Problem.UNSUPPORTED, f"the Content-Type must be {PROTOBUF} or {JSON}")
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("identity", "gzip"):
        raise ProblemError(Problem.UNSUPPORTED, "the Content-Encoding must be gzip, or none")


@contextmanager
def _turn() -> Iterator[None]:
    """One request at a time. Raises ProblemError(SLOW_DOWN) when it takes too long."""
    lock = state().collections.lock
    if not lock.acquire(timeout=_LONGEST_WAIT_SECONDS):  # pylint: disable=consider-using-with  # released below
        raise ProblemError(Problem.SLOW_DOWN, "too many requests at once; try again later")
    try:
        yield
    finally:
        lock.release()


def _parsed(body: bytes) -> ExportMetricsServiceRequest:
    """The request. Raises ProblemError: invalid-request, too-large.

    OTLP/JSON has the ids of exemplars in hexadecimal, which reads as base64 as well; nobody looks at them here.
    """
    sent = ExportMetricsServiceRequest()
    if request.mimetype == JSON and body.count(b"{") + body.count(b"[") > MOST_OBJECTS:
        raise ProblemError(
            Problem.TOO_LARGE, f"the body has more than {MOST_OBJECTS} objects and lists; send less at once"
        )
    try:
        if request.mimetype == JSON:
            text = body.decode("utf-8")
            if not text.lstrip(" \t\r\n").startswith("{"):
                raise ValueError("a message is an object")  # the parser takes a text for one without known fields
            json_format.Parse(text, sent, ignore_unknown_fields=True)
        else:
            sent.ParseFromString(body)
    except (json_format.ParseError, DecodeError, ValueError, TypeError, RecursionError) as error:
        kind = "JSON" if request.mimetype == JSON else "protobuf"
        raise ProblemError(Problem.INVALID_REQUEST, f"the body is no ExportMetricsServiceRequest in {kind}") from error
    return sent


def _named(found: dict[str, Host]) -> dict[str, Host]:
    """The machines under the name in the header, if there is one. Raises InvalidRequest."""
    name = request.headers.get(SOURCE_HEADER)
    if name is None:
        return found
    if len(name) > LONGEST_SOURCE or not name:
        raise ProblemError(Problem.INVALID_REQUEST, f"{SOURCE_HEADER} is no usable name of a machine")
    try:
        refuse_volunteers(name)
    except InvalidRequest as error:
        raise ProblemError(Problem.INVALID_REQUEST, f"{SOURCE_HEADER} is no name for an open server") from error
    if len(found.keys() - {""}) > 1:
        raise ProblemError(Problem.INVALID_REQUEST, f"the request is of several machines; leave out {SOURCE_HEADER}")
    whole = Host()
    for host in found.values():
        whole.paging = whole.paging or host.paging
        for kind, points in host.kinds.items():
            whole.kinds.setdefault(kind, []).extend(points)
    return {name: whole} if found else {}


def _store(desk: Desk, source: str, host: Host, draft: Draft, refusals: Refusals) -> None:
    """The rows of one machine to the store. Raises StoreError and RegistryError; what is refused is counted."""
    if not source:
        refusals.refuse(host.count, _NAMELESS)
        return
    if len(source) > LONGEST_SOURCE:
        refusals.refuse(host.count, "the name of the machine is too long")
        return
    try:
        refuse_volunteers(source)
        chunker = Chunker(STEPS, lambda _place, words: refusals.refuse(1, words))
        tables = rows(source, host, draft, refusals)
        for chunk in (*chunker.add_all(source, tables), *chunker.rest()):
            perform(desk, "import-rows", {"source": source, "tables": chunk.tables})
    except (InvalidRequest, InstanceErased) as error:
        refusals.refuse(host.count, str(error).replace("--source NAME", SOURCE_HEADER))


def _response(message: Message, status: int) -> Response:
    if request.mimetype == PROTOBUF:
        return Response(message.SerializeToString(), status, content_type=PROTOBUF)
    return Response(json_format.MessageToJson(message, indent=None), status, content_type=JSON)
