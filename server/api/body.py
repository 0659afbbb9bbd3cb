"""Reading what a client sends, in bounded memory.

Rules: at most ``limit`` bytes are read, whatever Content-Length says or chunks add up to; gzip is unpacked into at most
``limit`` bytes as well, and stops there, so a bomb costs no more than an honest body; nothing else is unpacked.
"""

import zlib
from typing import Any

import msgspec
from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from consent.wire import MEDIA_TYPE, Problem
from server.errors import ProblemError

_GZIP = 16 + zlib.MAX_WBITS


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request that says all it has to say with its signature: ``{}``."""


def read_body(limit: int) -> bytes:
    """The body as received, of at most ``limit`` bytes. Raises ProblemError(TOO_LARGE)."""
    # One more than the limit, since Werkzeug (3.1) cuts a chunked body off at its limit without a word.
    request.max_content_length = limit + 1
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raw = None
    if raw is None or len(raw) > limit:
        raise ProblemError(Problem.TOO_LARGE, f"the body is larger than {limit} bytes")
    return raw


def check_media_type(encodings: tuple[str, ...] = ()) -> None:
    """Content-Type is JSON and Content-Encoding is none or one of ``encodings``. Raises ProblemError(UNSUPPORTED)."""
    if request.mimetype != MEDIA_TYPE:
        raise ProblemError(Problem.UNSUPPORTED, f"the Content-Type must be {MEDIA_TYPE}")
    if request.mimetype_params.get("charset", "utf-8").lower() != "utf-8":
        raise ProblemError(Problem.UNSUPPORTED, "JSON is UTF-8 (RFC 8259)")
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", *encodings):
        raise ProblemError(
            Problem.UNSUPPORTED, f"the Content-Encoding must be one of: {', '.join(('identity', *encodings))}"
        )


def unpack(raw: bytes, limit: int) -> bytes:
    """The body without its Content-Encoding, at most ``limit`` bytes. Raises ProblemError: too-large, invalid-batch."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "gzip":
        return raw
    unpacker = zlib.decompressobj(wbits=_GZIP)
    try:
        plain = unpacker.decompress(raw, limit + 1)
    except zlib.error:
        raise ProblemError(Problem.INVALID_BATCH, "the body is not valid gzip", path="batch") from None
    if len(plain) > limit:
        raise ProblemError(Problem.TOO_LARGE, f"the body unpacks to more than {limit} bytes")
    if not unpacker.eof or unpacker.unused_data:
        raise ProblemError(Problem.INVALID_BATCH, "the body is not one whole gzip member", path="batch")
    return plain


def read_json(limit: int, form: type[Any]) -> Any:
    """A small JSON body as a msgspec Struct. Raises ProblemError: too-large, unsupported, invalid-request."""
    check_media_type()
    return parse_json(read_body(limit), form)


def parse_json(raw: bytes, form: type[Any]) -> Any:
    """Bytes as a msgspec Struct. Raises ProblemError(INVALID_REQUEST)."""
    try:
        return msgspec.json.decode(raw, type=form)
    except (ValueError, RecursionError):  # msgspec's errors and UnicodeDecodeError are ValueErrors
        fields = ", ".join(form.__struct_fields__)
        expected = f"an object with {fields}" if fields else "an empty object"
        raise ProblemError(Problem.INVALID_REQUEST, f"the body must be {expected}") from None
