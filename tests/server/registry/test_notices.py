"""Published notices: every version stays, none changes, the highest is in force."""

from dataclasses import replace

import pytest

from consent.errors import ConsentError, NoticeError
from consent.notice import Version
from server.errors import Conflict, NotFound, RegistryError
from server.registry import Registry
from tests.consents import NOW_MS
from tests.server.registry.conftest import Operator


def test_a_published_notice_comes_back_byte_for_byte(registry: Registry, operator: Operator) -> None:
    offer = operator.offer()
    compact = operator.signed(offer)
    registry.publish_notice(offer, compact, NOW_MS)
    published = registry.current_notice("en")
    assert (published.offer, published.compact, published.sha256) == (offer, compact, offer.notice.sha256)
    assert (published.version, published.published_ms) == (Version(1, 0, 0), NOW_MS)
    assert registry.notice_by_sha256(offer.notice.sha256) == published


def test_publishing_the_same_again_changes_nothing(registry: Registry, operator: Operator) -> None:
    offer = operator.offer()
    first = registry.publish_notice(offer, operator.signed(offer), NOW_MS)
    assert registry.publish_notice(offer, operator.signed(offer), NOW_MS + 5) == first
    assert len(registry.audit_entries(10)) == 1


@pytest.mark.parametrize("change", ["text", "terms", "version of the same text"])
def test_other_bytes_need_a_new_version(registry: Registry, operator: Operator, change: str) -> None:
    offer = operator.publish("1.0.0")
    other = {
        "text": operator.offer("1.0.0", text="Another text."),
        "terms": replace(offer, storage_location="elsewhere"),
        "version of the same text": replace(offer, notice=replace(offer.notice, version="1.0.1")),
    }[change]
    with pytest.raises(Conflict, match="publish under a new version"):
        registry.publish_notice(other, operator.signed(other), NOW_MS)
    assert [notice.offer for notice in registry.notices()] == [offer]


def test_what_is_signed_must_be_what_is_published(registry: Registry, operator: Operator) -> None:
    offer, other = operator.offer("1.0.0"), operator.offer("1.1.0")
    with pytest.raises(RegistryError, match="another offer"):
        registry.publish_notice(offer, operator.signed(other), NOW_MS)
    with pytest.raises(ConsentError):
        registry.publish_notice(offer, operator.signed(offer)[:-4] + "AAAA", NOW_MS)
    unversioned = replace(offer, notice=replace(offer.notice, version="newest"))
    with pytest.raises(NoticeError):
        registry.publish_notice(unversioned, operator.signed(unversioned), NOW_MS)
    assert not registry.notices()


def test_the_highest_version_is_in_force_and_all_stay(registry: Registry, operator: Operator) -> None:
    assert registry.current_version() is None
    for version in ("1.9.0", "1.10.0", "1.2.0"):
        operator.publish(version)
    assert registry.current_version() == Version(1, 10, 0)
    assert registry.current_notice("en").version == Version(1, 10, 0)
    assert [str(notice.version) for notice in registry.notices()] == ["1.2.0", "1.9.0", "1.10.0"]


def test_a_locale_that_lacks_the_current_version_has_no_notice(registry: Registry, operator: Operator) -> None:
    with pytest.raises(NotFound, match="notice publish"):
        registry.current_notice("en")
    operator.publish("1.0.0", "en")
    operator.publish("1.0.0", "pl")
    assert registry.current_notice("pl").offer.notice.locale == "pl"
    operator.publish("2.0.0", "en")
    with pytest.raises(NotFound, match="2.0.0 is published in en, not in 'pl'"):
        registry.current_notice("pl")
    with pytest.raises(NotFound):
        registry.notice_by_sha256("0" * 64)
