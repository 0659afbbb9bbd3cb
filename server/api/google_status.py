"""``google.rpc.Status``, the message in which OTLP/HTTP tells errors, with gRPC's code for an HTTP status."""

# pylint: disable=no-name-in-module  # generated: they make their names as they are loaded
from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status

_CODES = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    404: Code.NOT_FOUND,
    405: Code.UNIMPLEMENTED,
    413: Code.INVALID_ARGUMENT,
    415: Code.INVALID_ARGUMENT,
    429: Code.RESOURCE_EXHAUSTED,
    503: Code.UNAVAILABLE,
}


def status_message(http_status: int, words: str) -> Status:
    """The error of a request that was answered with ``http_status``."""
    return Status(code=_CODES.get(http_status, Code.INTERNAL), message=words)
