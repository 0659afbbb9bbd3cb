"""``google.rpc.Status``, the message in which OTLP/HTTP tells errors.

The package that has it is not needed for two fields: they are described here, in a pool of their own, so that the
package may be loaded as well.
"""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

#: gRPC's codes for the statuses that are answered.
_CODES = {400: 3, 401: 16, 404: 5, 405: 12, 413: 3, 415: 3, 429: 8, 503: 14}
_INTERNAL = 13


def status_message(http_status: int, words: str) -> Message:
    """The error of a request that was answered with ``http_status``."""
    return _STATUS(code=_CODES.get(http_status, _INTERNAL), message=words)


def _described() -> type[Message]:
    # pylint: disable=no-member  # generated: makes its names as it is loaded
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="google/rpc/status.proto", package="google.rpc", syntax="proto3")
    status = file.message_type.add(name="Status")
    status.field.add(name="code", number=1, type=field.TYPE_INT32, label=field.LABEL_OPTIONAL)
    status.field.add(name="message", number=2, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    made: type[Message] = message_factory.GetMessageClass(pool.FindMessageTypeByName("google.rpc.Status"))
    return made


_STATUS = _described()
