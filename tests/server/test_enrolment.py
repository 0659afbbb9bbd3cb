"""The offer says what the configuration says, in every language; a nonce is ours, fresh and unforgeable."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from consent.catalogue import TABLES
from consent.chain import verify_offer
from consent.errors import NoticeError
from consent.notice import locales, parse, versions
from consent.signature import thumbprint
from server.config import Config, config_toml, load_config, said_in
from server.enrolment import NONCE_LIFETIME_MS, issue_nonce, make_offer, nonce_issued_ms, sign_offer
from server.errors import NonceRefused
from tests.server.installation import SETTINGS

KEY = Ed25519PrivateKey.generate()
NONCE = issue_nonce(KEY, 1000)
THUMBPRINT = thumbprint(KEY.public_key())


@pytest.fixture
def config(tmp_path: Path) -> Config:
    settings = {"retention_hours": 24, "proof_days": 400, "period_seconds": 7, "recipients": ["Host A", "Host B"]}
    (tmp_path / "config.toml").write_text(config_toml({**SETTINGS, **settings}))
    return load_config(tmp_path, {})


@pytest.mark.parametrize("locale", locales(versions()[-1]))
def test_the_text_and_the_terms_say_the_same(config: Config, locale: str) -> None:
    offer = make_offer(config, THUMBPRINT, locale)
    assert (offer.retention.samples_hours, offer.retention.proof_days) == (49, 400)
    for words in ("49", "400", "7 s", "Test operator", "privacy@example.org", "Host A", "Host B", config.origin):
        assert words in offer.text
    for table in TABLES.values():
        assert all(f"`{column.name}`" in offer.text for column in table.columns)
    assert [entry.table for entry in offer.offered] == list(TABLES)
    assert {entry.period_seconds for entry in offer.offered} == {7}
    assert str(parse(offer.text).version) == offer.notice.version


def test_by_default_each_locale_is_in_one_language(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(config_toml(SETTINGS))
    config = load_config(tmp_path, {})
    english, polish = make_offer(config, THUMBPRINT, "en"), make_offer(config, THUMBPRINT, "pl")
    for name in ("transfers", "jurisdiction", "authority", "storage_location", "recipients"):
        assert getattr(english, name) != getattr(polish, name)
    for setting in (config.dpo, config.transfers, config.jurisdiction, config.authority, config.storage_location):
        assert said_in("en", setting) not in polish.text and said_in("pl", setting) in polish.text


def test_the_signed_offer_verifies_under_the_operators_key_only(config: Config) -> None:
    offer = make_offer(config, THUMBPRINT, "en")
    assert verify_offer(sign_offer(offer, KEY), THUMBPRINT) == offer


def test_a_locale_that_is_not_packaged(config: Config) -> None:
    with pytest.raises(NoticeError):
        make_offer(config, THUMBPRINT, "xx")


def test_the_same_configuration_gives_the_same_bytes(config: Config) -> None:
    assert sign_offer(make_offer(config, THUMBPRINT, "en"), KEY) == sign_offer(
        make_offer(config, THUMBPRINT, "en"), KEY
    )


def test_a_nonce_tells_when_it_was_issued_and_dies_in_time() -> None:
    nonce = issue_nonce(KEY, 1000)
    assert nonce_issued_ms(KEY, nonce, 1000 + NONCE_LIFETIME_MS - 1) == 1000
    with pytest.raises(NonceRefused):
        nonce_issued_ms(KEY, nonce, 1000 + NONCE_LIFETIME_MS)
    with pytest.raises(NonceRefused):
        nonce_issued_ms(Ed25519PrivateKey.generate(), nonce, 1000)


@given(st.integers(0, 55), st.characters(codec="ascii"))
def test_a_changed_nonce_is_refused(position: int, character: str) -> None:
    changed = NONCE[:position] + character + NONCE[position + 1 :]
    if changed != NONCE:
        with pytest.raises(NonceRefused):
            nonce_issued_ms(KEY, changed, 1000)


@given(st.text(max_size=80))
def test_text_from_anywhere_is_no_nonce(text: str) -> None:
    with pytest.raises(NonceRefused):
        nonce_issued_ms(KEY, text, 1000)
