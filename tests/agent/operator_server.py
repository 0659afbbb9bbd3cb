"""An operator over loopback: offers the packaged notice, enrols, erases, gives links. Real keys, real signatures.

``trouble`` makes it misbehave: a function of the path that returns a word, or None. ``drop`` does the work and closes
the connection without an answer; ``forge`` signs with a key that is not the operator's; any other word is the type of
a problem to answer with.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.clock import clock_ms
from consent import notice as notices
from consent.catalogue import TABLES
from consent.chain import verify_record, verify_withdrawal
from consent.document import to_payload
from consent.record import (
    SCHEMA_VERSION,
    Controller,
    ErasureReceipt,
    NoticeReference,
    Offer,
    Offered,
    Receipt,
    Retention,
)
from consent.signature import Typ, sha256_hex, sign, thumbprint
from consent.wire import STATUS, Problem

FIELDS = {
    "controller_name": "Example Lab",
    "controller_address": "Street 1, Warsaw",
    "controller_contact": "privacy@example.org",
    "dpo": "None has been appointed.",
    "recipients": "Nobody else.",
    "transfers": "None.",
    "jurisdiction": "Poland",
    "authority": "UODO, Warsaw",
    "storage_location": "Warsaw",
    "samples_hours": "49",
    "proof_days": "1096",
    "period_seconds": "1",
}
Trouble = Callable[[str], str | None]


def make_text(locale: str = "en", origin: str = "http://127.0.0.1", version: notices.Version | None = None) -> str:
    """The packaged notice with this operator's values; ``version`` changes the one it says it is."""
    packaged = notices.versions()[-1]
    text = notices.render(
        notices.template(packaged, locale), {**FIELDS, "origin": origin, "tables": notices.describe_tables(locale)}
    )
    return text if version is None else text.replace(f'version = "{packaged}"', f'version = "{version}"', 1)


def make_offer(key: Ed25519PrivateKey, text: str) -> Offer:
    """The offer of every table under ``text``."""
    notice = notices.parse(text)
    return Offer(
        schema_version=SCHEMA_VERSION,
        notice=NoticeReference(notice.id, str(notice.version), notice.locale, sha256_hex(text)),
        text=text,
        controller=Controller("Example Lab", "Street 1, Warsaw", "privacy@example.org", thumbprint(key.public_key())),
        offered=tuple(
            Offered("monitoring-load-over-time", name, tuple(column.name for column in table.columns), 1)
            for name, table in TABLES.items()
        ),
        lawful_basis="GDPR Art. 6(1)(a)",
        collection_method="psutil",
        storage_location="Warsaw",
        retention=Retention(49, 1096),
        recipients=("Nobody else.",),
        transfers="None.",
        jurisdiction="Poland",
        withdrawal_methods=("sysmetric consent revoke",),
        rights=("access (GDPR Art. 15)",),
        authority="UODO, Warsaw",
    )


@dataclass
class Operator:
    """What the tests look at: every request that came, and what became of it."""

    url: str
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    version: notices.Version | None = None
    change_offer: Callable[[Offer], Offer] = lambda offer: offer
    trouble: Trouble = lambda path: None
    receipt_origin: str | None = None
    ahead_ms: int = 0
    requests: list[tuple[str, str, dict[str, Any], dict[str, str]]] = field(default_factory=list)
    receipts: dict[str, str] = field(default_factory=dict)
    records: dict[str, str] = field(default_factory=dict)
    erasures: dict[str, str] = field(default_factory=dict)

    @property
    def link(self) -> str:
        """What the operator hands out."""
        return f"{self.url}/#k={thumbprint(self.key.public_key())}&i=the-invite"

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order: ``POST /api/v1/consents``."""
        return [f"{method} {path}" for method, path, _, _ in self.requests]

    def now_ms(self) -> int:
        return clock_ms() + self.ahead_ms

    def notice(self, locale: str) -> dict[str, Any]:
        offer = self.change_offer(make_offer(self.key, make_text(locale, self.url, self.version)))
        return {
            "notice": sign(to_payload(offer), self.key, Typ.NOTICE),
            "nonce": "a-nonce",
            "locales": ["en", "pl"],
            "server_time": self.now_ms(),
        }

    def enrol(self, record_jws: str, signer: Ed25519PrivateKey) -> dict[str, Any]:
        record, _ = verify_record(record_jws)
        receipt = Receipt(
            SCHEMA_VERSION,
            record.record_id,
            record.instance_id,
            sha256_hex(record_jws),
            record.notice.sha256,
            "given",
            self.now_ms(),
            record.event.valid_until,
            self.receipt_origin or self.url,
        )
        self.records[record.record_id] = record_jws
        return {"receipt": self.receipts.setdefault(record.record_id, sign(to_payload(receipt), signer, Typ.RECEIPT))}

    def withdraw(self, record_id: str, withdrawal_jws: str, signer: Ed25519PrivateKey) -> dict[str, Any]:
        record, volunteer = verify_record(self.records[record_id])
        verify_withdrawal(withdrawal_jws, record, self.records[record_id], volunteer)
        erasure = ErasureReceipt(
            SCHEMA_VERSION,
            record_id,
            record.instance_id,
            sha256_hex(self.records[record_id]),
            sha256_hex(withdrawal_jws),
            {"cpu": 7, "memory": 1},
            self.now_ms(),
            self.now_ms() + 86_400_000,
        )
        signed = sign(to_payload(erasure), signer, Typ.ERASURE_RECEIPT)
        return {"erasure_receipt": self.erasures.setdefault(record_id, signed)}

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
        """Status and document; no document means: close the connection."""
        trouble = self.trouble(path)
        if trouble not in (None, "drop", "forge"):
            problem = Problem(trouble)
            return STATUS[problem], {"type": problem.value, "title": problem.value, "detail": "as the test wants"}
        signer = Ed25519PrivateKey.generate() if trouble == "forge" else self.key
        status, document = self._route(method, path, body, signer)
        return status, None if trouble == "drop" else document

    def _route(
        self, method: str, path: str, body: dict[str, Any], signer: Ed25519PrivateKey
    ) -> tuple[int, dict[str, Any]]:
        place, _, query = path.partition("?")
        if (method, place) == ("GET", "/api/v1/notice"):
            locale = query.removeprefix("locale=") or "en"
            if locale in ("en", "pl"):
                return 200, self.notice(locale)
        elif (method, place) == ("POST", "/api/v1/consents"):
            return 201, self.enrol(body["record"], signer)
        elif method == "POST" and place.endswith("/withdrawal"):
            record_id = place.split("/")[-2]
            if record_id in self.records:
                return 200, self.withdraw(record_id, body["withdrawal"], signer)
        elif (method, place) == ("POST", "/api/v1/withdrawal-codes"):
            return 201, {"kept": True}
        elif (method, place) == ("POST", "/api/v1/links"):
            return 201, {"url": f"{self.receipt_origin or self.url}/open/once", "expires": self.now_ms() + 600_000}
        return 404, {"type": "not-found", "title": "not found", "detail": "there is no such thing"}


@contextmanager
def operator_server() -> Iterator[Operator]:
    """An operator on a free port of loopback."""
    operator = Operator("")

    class Handler(BaseHTTPRequestHandler):
        """One request."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # pylint: disable=invalid-name  # the name that http.server calls
            self._handle({})

        def do_POST(self) -> None:  # pylint: disable=invalid-name  # the name that http.server calls
            self._handle(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _handle(self, body: dict[str, Any]) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            operator.requests.append((self.command, self.path, body, headers))
            status, document = operator.answer(self.command, self.path, body)
            if document is None:
                self.close_connection = True
                return
            raw = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if status < 400 else "application/problem+json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:  # pylint: disable=redefined-builtin  # theirs
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    operator.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True)
    thread.start()
    try:
        yield operator
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def renamed(offer: Offer, **changes: Any) -> Offer:
    """The offer with some fields changed."""
    return replace(offer, **changes)
