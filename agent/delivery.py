"""One request: a packed batch to the server that the receipt names, signed at this moment."""

from collections.abc import Callable

from agent.client import Answer, batch_client, send
from agent.http_signature import RequestSigner
from agent.spool import Packed
from consent.chain import ActiveConsent
from consent.errors import WireError
from consent.wire import BATCH_TAG, BATCHES_PATH, MEDIA_TYPE, Ack


class Delivery:
    """Posts batches over one kept-alive connection. ``now_ms`` is the server's time, as far as known."""

    def __init__(self, consent: ActiveConsent, now_ms: Callable[[], int], *, timeout_seconds: float) -> None:
        self._instance = consent.instance_id
        self._client = batch_client(consent, timeout_seconds=timeout_seconds)
        self._signer = RequestSigner(consent, BATCH_TAG, now_ms)

    def post(self, packed: Packed) -> Answer:
        """Sign and send. Raises ServerUnreachable."""
        request = self._client.build_request(
            "POST",
            BATCHES_PATH,
            content=packed.body,
            headers={"Content-Type": MEDIA_TYPE, "Content-Encoding": "gzip"},
        )
        self._signer.sign(request, packed.body)
        return send(self._client, request)

    def ack(self, answer: Answer, packed: Packed) -> Ack | None:
        """The ack for this very batch, or None: then it was not our server that answered."""
        try:
            ack = Ack.from_json(answer.body)
        except WireError:
            return None
        return ack if (ack.instance, ack.sequence) == (self._instance, packed.sequence) else None

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
