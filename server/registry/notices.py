"""Every notice that was ever published, in clear and byte for byte.

Rules:

* A published notice never changes and never goes away: records refer to it by the SHA-256 of its text.
* Other bytes under the same version and locale are refused; they need a new version.
* The current version is the highest one. A locale that lacks it has no current notice, so that nobody agrees to less
  than what is in force.
"""

from sqlalchemy import Row, insert, select

from consent.chain import verify_offer
from consent.document import from_payload
from consent.notice import Version
from consent.record import Offer
from consent.signature import Typ, verify
from server.errors import Conflict, NotFound, RegistryError
from server.registry.audit import append
from server.registry.database import Database
from server.registry.schema import notices
from server.registry.values import PublishedNotice


class Notices(Database):
    """The notices of one registry."""

    def publish_notice(self, offer: Offer, compact: str, now_ms: int, *, actor: str = "operator") -> PublishedNotice:
        """Store a signed notice; the same bytes again change nothing.

        Raises Conflict for other bytes under the same version and locale, ConsentError when the signature does not
        hold, RegistryError when ``compact`` is not the signed form of ``offer``.
        """
        if verify_offer(compact, offer.controller.key_thumbprint) != offer:
            raise RegistryError("the signed notice holds another offer than the one to publish")
        reference = offer.notice
        Version.parse(reference.version)
        with self.writing() as connection:
            same = (
                (notices.c.notice_id == reference.id)
                & (notices.c.version == reference.version)
                & (notices.c.locale == reference.locale)
            )
            found = connection.execute(select(notices).where(same | (notices.c.sha256 == reference.sha256))).first()
            if found is None:
                stored = {"sha256": reference.sha256, "compact": compact, "published_ms": now_ms}
                stored |= {"notice_id": reference.id, "version": reference.version, "locale": reference.locale}
                connection.execute(insert(notices).values(stored))
                append(connection, actor, "notice.published", f"{reference.version}/{reference.locale}", now_ms)
                return PublishedNotice(offer, compact, reference.sha256, Version.parse(reference.version), now_ms)
            if found.compact != compact:
                raise Conflict(
                    f"notice {reference.version} in {reference.locale} was published with another text or other terms; "
                    "publish under a new version"
                )
        return _published(found)

    def current_version(self) -> Version | None:
        """The highest published version: what ``consent.state.effective`` takes as ``current``."""
        return self.remembered("current version", self._read_current_version)

    def current_notice(self, locale: str) -> PublishedNotice:
        """The notice in force. Raises NotFound, naming the locales that have it."""
        return self.remembered(("notice", locale), lambda: self._read_current_notice(locale))

    def notice_by_sha256(self, sha256: str) -> PublishedNotice:
        """The notice with this text, current or not. Raises NotFound."""
        with self.reading() as connection:
            found = connection.execute(select(notices).where(notices.c.sha256 == sha256)).first()
        if found is None:
            raise NotFound("no notice with this SHA-256 was ever published here")
        return _published(found)

    def notices(self) -> list[PublishedNotice]:
        """Every notice ever published, by version and locale."""
        with self.reading() as connection:
            published = [_published(row) for row in connection.execute(select(notices))]
        return sorted(published, key=lambda notice: (notice.version, notice.offer.notice.locale))

    def _read_current_version(self) -> Version | None:
        with self.reading() as connection:
            found = connection.execute(select(notices.c.version).distinct()).scalars()
            return max((Version.parse(version) for version in found), default=None)

    def _read_current_notice(self, locale: str) -> PublishedNotice:
        published = self.notices()
        newest = max((notice.version for notice in published), default=None)
        current = {notice.offer.notice.locale: notice for notice in published if notice.version == newest}
        if not current:
            raise NotFound("no notice is published yet; run: sysmetric-server notice publish")
        if locale not in current:
            raise NotFound(f"notice {newest} is published in {', '.join(sorted(current))}, not in {locale[:20]!r}")
        return current[locale]


def _published(row: Row[*tuple[object, ...]]) -> PublishedNotice:
    """The signature was checked when it was published; it is checked again, so that a changed row is not served."""
    offer = from_payload(Offer, verify(row.compact, Typ.NOTICE).payload)
    return PublishedNotice(offer, row.compact, row.sha256, Version.parse(row.version), row.published_ms)
