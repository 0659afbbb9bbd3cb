"""``POST /api/v1/batches``: size, signature, decode, gate, group commit, and only then the Ack.

Rules:

* The order is that of cost and of trust: nothing is unpacked or parsed before the signature holds.
* The Ack is sent after the rows are durable: 201 for new ones, 200 for the same batch again.
* More requests than there is room for are told to slow down at once, so that memory and waiting stay bounded.
"""

import hashlib

from flask import Blueprint, Response

from consent.wire import BATCH_TAG, BATCHES_PATH, MAX_BATCH_BYTES, MEDIA_TYPE, Ack, AckStatus
from server.api.body import check_media_type, read_body, unpack
from server.api.problems import of_error
from server.api.signed import signed_by
from server.api.state import runtime, state
from server.days import retention_floor_ms
from server.decode import canonical, decode
from server.errors import DecodeError, ServerError, StoreError
from server.gate import admit, check_in_force
from server.store.protocol import StoredBatch

blueprint = Blueprint("batches", __name__)


@blueprint.post(BATCHES_PATH)
def post_batch() -> Response:
    """Store one signed batch."""
    try:
        with state().admission.enter():
            ack = _ingest()
    except ServerError as error:
        problem = of_error(error)
        state().telemetry.rejected(problem.problem)
        raise problem from error
    state().telemetry.stored(ack.status, ack.rows)
    status = 201 if ack.status is AckStatus.STORED else 200
    return Response(ack.to_json(), status, content_type=MEDIA_TYPE)


def _ingest() -> Ack:
    check_media_type(encodings=("gzip",))
    raw = read_body(MAX_BATCH_BYTES)
    instance, status = signed_by(BATCH_TAG, raw)
    registry, now_ms = runtime().registry, runtime().now_ms()
    current = registry.current_version() or status.notice_version
    check_in_force(status, current, now_ms)  # before the content: an ended consent is told so whatever it sends
    floor_ms = retention_floor_ms(now_ms, runtime().config)
    batch = decode(unpack(raw, MAX_BATCH_BYTES), now_ms=now_ms, floor_ms=floor_ms)
    if batch.instance != instance:
        raise DecodeError("instance", "is not the one that signed the request")
    admit(batch, status, current, now_ms)
    digest = hashlib.sha256(canonical(batch.tables)).digest()
    (result,) = runtime().store.append([StoredBatch(instance, batch.sequence, digest, batch.tables)])
    if isinstance(result, StoreError):
        raise result
    return result
