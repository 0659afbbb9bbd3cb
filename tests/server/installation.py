"""A server's data directory with real keys, registry and store, and a volunteer who uses its API over HTTP."""

import gzip
import secrets
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent.chain import verify_erasure_receipt, verify_offer, verify_receipt
from consent.document import to_payload
from consent.notice import locales, versions
from consent.record import (
    SCHEMA_VERSION,
    Ceremony,
    Choices,
    Client,
    ConsentRecord,
    ErasureReceipt,
    Method,
    Offer,
    Quiz,
    Receipt,
    Withdrawal,
)
from consent.record_rules import make_record
from consent.signature import Typ, create_key_file, sha256_hex, sign, write_exclusively
from consent.wire import BATCHES_PATH
from server.config import config_toml, load_config
from server.enrolment import make_offer, sign_offer
from server.runtime import Runtime, open_runtime
from tests.server.batches import NOW_MS, batch_document, encoded
from tests.server.signing import signed_headers

SETTINGS = {
    "controller_name": "Test operator",
    "controller_address": "Street 1, Warsaw",
    "controller_contact": "privacy@example.org",
    "origin": "http://localhost",
}


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now_ms: int = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


def initialise(data_dir: Path, **settings: Any) -> None:
    """What ``sysmetric-server init`` leaves behind."""
    data_dir.mkdir(mode=0o700)
    (data_dir / "config.toml").write_text(config_toml({**SETTINGS, **settings}))
    create_key_file(data_dir / "operator-key.pem")
    write_exclusively(data_dir / "key-encryption.key", secrets.token_bytes(32))


def open_installation(data_dir: Path, clock: Callable[[], int]) -> Runtime:
    """Open it and publish the notice if that was not done."""
    runtime = open_runtime(load_config(data_dir, {}), now_ms=clock)
    if not runtime.registry.notices():
        publish(runtime)
    return runtime


def publish(runtime: Runtime) -> None:
    """Publish the packaged notice in every locale."""
    for locale in locales(versions()[-1]):
        offer = make_offer(runtime.config, runtime.thumbprint, locale)
        runtime.registry.publish_notice(offer, sign_offer(offer, runtime.operator_key), runtime.now_ms())


@dataclass
class Volunteer:
    """A volunteer's machine: fetches the notice, signs, enrols, sends and withdraws."""

    http: FlaskClient
    clock: Clock
    operator_thumbprint: str
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    instance: str = field(default_factory=lambda: str(uuid.uuid4()))
    record_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    record: ConsentRecord | None = None
    record_jws: str = ""
    withdrawal_jws: str = ""

    def fetch(self, locale: str = "en") -> tuple[Offer, str]:
        """The verified offer and the nonce."""
        answer = self.http.get(f"/api/v1/notice?locale={locale}").get_json()
        return verify_offer(answer["notice"], self.operator_thumbprint), answer["nonce"]

    def sign(self, offer: Offer, nonce: str, granted: Iterable[str], term_days: int = 30) -> None:
        """Say yes to ``granted``."""
        self.record = make_record(
            offer,
            Choices(frozenset(granted), term_days, Ceremony(Method.PROMPT, True, 60, Quiz.PASSED)),
            record_id=self.record_id,
            instance_id=self.instance,
            nonce=nonce,
            client=Client("sysmetric", "0.1.0"),
            now_ms=self.clock(),
        )
        self.record_jws = sign(to_payload(self.record), self.key, Typ.RECORD)

    def post_record(self, invite: str | None) -> TestResponse:
        """Send the signed record."""
        return self.http.post("/api/v1/consents", json={"record": self.record_jws, "invite": invite})

    def enrol(self, invite: str | None, granted: Iterable[str] = ("cpu", "memory", "disk")) -> Receipt:
        """The whole ceremony; the verified receipt."""
        self.sign(*self.fetch(), granted)
        answer = self.post_record(invite)
        assert answer.status_code == 201, answer.text
        assert self.record is not None
        return verify_receipt(answer.get_json()["receipt"], self.record, self.record_jws)

    def batch(self, sequence: int = 1, tables: Iterable[str] = ("cpu", "memory", "disk"), **options: Any) -> bytes:
        """A valid batch of this volunteer, a few seconds old."""
        options = {"first_ms": self.clock() - 5000, **options}
        return encoded(
            batch_document(tables, instance=self.instance, record=self.record_id, sequence=sequence, **options)
        )

    def send(self, body: bytes, *, packed: bool = False, **options: Any) -> TestResponse:
        """Post a signed batch."""
        if packed:
            body = gzip.compress(body)
            options["extra"] = {**options.get("extra", {}), "Content-Encoding": "gzip"}
        return self.http.post(BATCHES_PATH, data=body, headers=self.headers(body, **options))

    def headers(self, body: bytes, **options: Any) -> dict[str, str]:
        """The headers that sign ``body``."""
        options = {"key": self.key, "key_id": self.instance, "now_ms": self.clock(), **options}
        return signed_headers(options.pop("key"), options.pop("key_id"), body, options.pop("now_ms"), **options)

    def sign_withdrawal(self) -> str:
        """The withdrawal, made once and kept."""
        if not self.withdrawal_jws:
            withdrawal = Withdrawal(
                SCHEMA_VERSION, self.record_id, self.instance, sha256_hex(self.record_jws), self.clock()
            )
            self.withdrawal_jws = sign(to_payload(withdrawal), self.key, Typ.WITHDRAWAL)
        return self.withdrawal_jws

    def post_withdrawal(self) -> TestResponse:
        """Deliver the withdrawal."""
        return self.http.post(
            f"/api/v1/consents/{self.record_id}/withdrawal", json={"withdrawal": self.sign_withdrawal()}
        )

    def check_erasure(self, receipt_jws: str) -> ErasureReceipt:
        """The verified erasure receipt."""
        assert self.record is not None
        return verify_erasure_receipt(receipt_jws, self.record, self.record_jws, self.withdrawal_jws)
