"""A registry on a real file, and an operator whose volunteers enrol in it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.document import to_payload
from consent.record import NoticeReference, Offer
from consent.signature import Typ, sha256_hex, sign
from server.registry import EnrolResult, Registry, open_registry
from tests.consents import DAY_MS, NOW_MS, SignedConsent, make_offer, sign_consent

KEY = bytes(range(32))


@dataclass
class Operator:
    """One operator's key; ``volunteer`` signs a consent, ``enrol`` puts it in force."""

    registry: Registry
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def offer(self, version: str = "1.0.0", locale: str = "en", text: str | None = None) -> Offer:
        """An offer; its text names version and locale, as a real one does."""
        text = text or f"The text, {version}, {locale}."
        reference = NoticeReference("sysmetric-participation", version, locale, sha256_hex(text))
        return replace(make_offer(self.key), text=text, notice=reference)

    def signed(self, offer: Offer) -> str:
        """The offer as ``notice+jws``."""
        return sign(to_payload(offer), self.key, Typ.NOTICE)

    def publish(self, version: str = "1.0.0", locale: str = "en") -> Offer:
        """Publish one version and give its offer."""
        offer = self.offer(version, locale)
        self.registry.publish_notice(offer, self.signed(offer), NOW_MS)
        return offer

    def volunteer(self, offer: Offer | None = None, term_days: int = 365) -> SignedConsent:
        """A signed consent to ``offer``, or to version 1.0.0, which is published then."""
        return sign_consent(operator_key=self.key, offer=offer or self.publish(), term_days=term_days)

    def enrol(
        self, consent: SignedConsent, *, invite: str | None = None, nonce: str | None = None, now_ms: int = NOW_MS
    ) -> EnrolResult:
        """Enrol with a nonce of its own unless one is given."""
        return self.registry.enrol(
            consent.record,
            consent.documents.record,
            consent.key.public_key(),
            consent.documents.receipt,
            invite=invite,
            nonce=nonce or f"nonce of {consent.record.record_id}",
            nonce_expires_ms=now_ms + DAY_MS,
            now_ms=now_ms,
        )

    def enrolled(self, offer: Offer | None = None, term_days: int = 365) -> SignedConsent:
        """A volunteer who has enrolled."""
        consent = self.volunteer(offer, term_days)
        self.enrol(consent)
        return consent


def tamper(path: Path, statement: str, *values: str) -> None:
    """Do to the file what somebody with a database tool could do."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement, values)
        connection.commit()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the registry is."""
    return tmp_path / "registry.sqlite3"


@pytest.fixture
def registry(path: Path) -> Iterator[Registry]:
    """An empty registry."""
    opened = open_registry(path, KEY)
    yield opened
    opened.close()


@pytest.fixture
def operator(registry: Registry) -> Operator:
    """An operator with that registry."""
    return Operator(registry)
