"""The agreement: what is published, and publishing what the configuration says now.

Rules:

* What is published never changes. When the configuration has changed, its texts are published under a new version.
* A change of who, what, for how long or to whom needs a new MAJOR version, so that every volunteer is asked again
  (EDPB Guidelines 05/2020 section 110); ``MAJOR_TERMS`` lists which terms those are, and longer retention.
* All locales of a version are published together. Publishing again completes what was cut short.
"""

import re
from dataclasses import fields, replace

from consent.errors import NoticeError
from consent.notice import Version, locales, versions
from consent.record import NoticeReference, Offer
from consent.signature import sha256_hex
from server.administration.acts import Desk, Json, act
from server.enrolment import make_offer, sign_offer
from server.errors import Conflict, InvalidRequest, NotFound
from server.registry import PublishedNotice

#: Terms of an offer that cannot change under the same MAJOR version.
MAJOR_TERMS = ("controller", "offered", "lawful_basis", "recipients", "transfers", "jurisdiction")
_VERSION_LINE = re.compile(r'^version = "[^"]*"$', re.MULTILINE)


@act("notice-show")
def show(desk: Desk, *, locale: str = "en") -> Json:
    """Every published version, the text in force in one locale, and what the configuration would change."""
    published = desk.registry.notices()
    if not published:
        raise NotFound("no notice is published yet; run: sysmetric-server notice publish")
    current = desk.registry.current_notice(locale)
    desk.note("notice.shown", f"{current.version}/{locale}")
    return {
        "version": str(current.version),
        "locale": locale,
        "sha256": current.sha256,
        "text": current.offer.text,
        "changed": changed_terms(current.offer, offer_as(desk, current.version, locale)),
        "published": [
            {
                "version": str(notice.version),
                "locale": notice.offer.notice.locale,
                "sha256": notice.sha256,
                "published": notice.published_ms,
                "current": notice.version == current.version,
            }
            for notice in published
        ],
    }


@act("notice-publish")
def publish(desk: Desk, *, version: str | None = None) -> Json:
    """Sign and publish the notice in every locale under ``version``; unchanged ones stay as they are."""
    published = desk.registry.notices()
    newest = max((notice.version for notice in published), default=None)
    target = _target(version, newest)
    offers = [offer_as(desk, target, locale) for locale in locales(versions()[-1])]
    known = {(notice.version, notice.offer.notice.locale): notice for notice in published}
    for offer in offers:
        _check_change(offer, target, newest, known)
    results = []
    for offer in offers:
        compact = sign_offer(offer, desk.runtime.operator_key)
        before = (target, offer.notice.locale) in known
        desk.registry.publish_notice(offer, compact, desk.now_ms, actor=desk.actor)
        results.append({"locale": offer.notice.locale, "sha256": offer.notice.sha256, "published": not before})
    return {
        "version": str(target),
        "notices": results,
        "supersedes": newest is not None and target.major > newest.major,
    }


def offer_as(desk: Desk, version: Version, locale: str) -> Offer:
    """What the configuration says now, in the newest packaged text, under the number ``version``."""
    offer = make_offer(desk.config, desk.runtime.thumbprint, locale)
    text = _VERSION_LINE.sub(f'version = "{version}"', offer.text, count=1)
    reference = NoticeReference(offer.notice.id, str(version), locale, sha256_hex(text))
    return replace(offer, text=text, notice=reference)


def changed_terms(old: Offer, new: Offer) -> list[str]:
    """The names of the terms that differ; ``text`` only where no named term explains it."""
    names = [field.name for field in fields(Offer) if field.name not in ("notice", "text")]
    changed = [name for name in names if getattr(old, name) != getattr(new, name)]
    return changed or (["text"] if old.text != new.text else [])


def needs_major(old: Offer, new: Offer) -> list[str]:
    """The changed terms for which every volunteer has to be asked again."""
    longer = new.retention.samples_hours > old.retention.samples_hours or (
        new.retention.proof_days > old.retention.proof_days
    )
    return [name for name in changed_terms(old, new) if name in MAJOR_TERMS or (name == "retention" and longer)]


def _target(version: str | None, newest: Version | None) -> Version:
    packaged = versions()[-1]
    if version is None:
        return packaged if newest is None else max(packaged, newest)
    try:
        target = Version.parse(version)
    except NoticeError as error:
        raise InvalidRequest(str(error)) from error
    if newest is not None and target < newest:
        raise InvalidRequest(f"version {target} is older than {newest}, which is in force; choose a higher one")
    return target


def _check_change(
    offer: Offer, target: Version, newest: Version | None, known: dict[tuple[Version, str], PublishedNotice]
) -> None:
    """Nothing is published before every locale has passed this. Raises Conflict naming what changed."""
    locale = offer.notice.locale
    same = known.get((target, locale))
    if same is not None and same.offer != offer:
        changed = ", ".join(changed_terms(same.offer, offer))
        step = (
            Version(target.major + 1, 0, 0)
            if needs_major(same.offer, offer)
            else Version(target.major, target.minor + 1, 0)
        )
        raise Conflict(
            f"notice {target} is published and the configuration now says otherwise ({changed}); "
            f"publish under a new version: sysmetric-server notice publish --version {step}"
        )
    old = known.get((newest, locale)) if newest is not None else None
    if old is not None and target.major == old.version.major and (major := needs_major(old.offer, offer)):
        raise Conflict(
            f"a change of {', '.join(major)} asks every volunteer again, which takes a new MAJOR version: "
            f"sysmetric-server notice publish --version {target.major + 1}.0.0"
        )
