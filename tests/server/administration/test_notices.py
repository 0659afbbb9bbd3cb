"""Publishing what the configuration says: never under an old version, and by the right kind of new one."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from consent.chain import verify_offer
from consent.notice import locales, parse, versions
from server.administration import Desk, perform
from server.errors import Conflict, InvalidRequest, NotFound
from server.runtime import Runtime
from tests.server.installation import Volunteer

Do = Callable[..., dict[str, Any]]
NEWEST = versions()[-1]


def with_settings(runtime: Runtime, **changes: Any) -> Do:
    """Acts after ``config.toml`` was changed."""
    changed = dataclasses.replace(runtime, config=dataclasses.replace(runtime.config, **changes))
    return lambda verb, **arguments: perform(Desk(changed), verb, arguments)


def test_publishing_again_changes_nothing(do: Do) -> None:
    done = do("notice-publish")
    assert done["version"] == str(NEWEST) and not done["supersedes"]
    assert [(entry["locale"], entry["published"]) for entry in done["notices"]] == [
        (locale, False) for locale in locales(NEWEST)
    ]


def test_a_change_is_refused_under_the_same_version_and_the_next_is_named(runtime: Runtime) -> None:
    changed = with_settings(runtime, authority="Another authority")
    assert changed("notice-show")["changed"] == ["authority"]
    with pytest.raises(Conflict, match=rf"\(authority\).*--version {NEWEST.major}.{NEWEST.minor + 1}.0"):
        changed("notice-publish")


@pytest.mark.parametrize(
    ("change", "term"),
    [
        ({"recipients": ("A hosting company",)}, "recipients"),
        ({"controller_name": "Another"}, "controller"),
        ({"retention_hours": 48}, "retention"),
        ({"proof_days": 2000}, "retention"),
        ({"period_seconds": 2}, "offered"),
    ],
)
def test_who_what_how_long_and_to_whom_ask_everyone_again(
    runtime: Runtime, volunteer: Volunteer, change: dict[str, Any], term: str
) -> None:
    changed = with_settings(runtime, **change)
    with pytest.raises(Conflict, match=f"{term}.*--version {NEWEST.major + 1}.0.0"):
        changed("notice-publish", version=f"{NEWEST.major}.{NEWEST.minor + 1}.0")
    done = changed("notice-publish", version=f"{NEWEST.major + 1}.0.0")
    assert done["supersedes"]
    assert changed("consents-list")["consents"][0]["state"] == "superseded"
    assert volunteer.send(volunteer.batch(2, tables=("cpu",))).get_json()["type"] == "notice-superseded"


def test_a_shorter_retention_asks_nobody_again(runtime: Runtime, volunteer: Volunteer) -> None:
    changed = with_settings(runtime, retention_hours=12)
    changed("notice-publish", version=f"{NEWEST.major}.{NEWEST.minor + 1}.0")
    assert changed("consents-list")["consents"][0]["state"] == "given"
    assert volunteer.record_id


def test_what_is_published_is_signed_and_says_its_own_version(runtime: Runtime) -> None:
    changed = with_settings(runtime, authority="Another authority")
    version = f"{NEWEST.major}.{NEWEST.minor + 1}.0"
    changed("notice-publish", version=version)
    for locale in locales(NEWEST):
        published = runtime.registry.current_notice(locale)
        offer = verify_offer(published.compact, runtime.thumbprint)
        assert str(parse(offer.text).version) == offer.notice.version == version
        assert "Another authority" in offer.text
    found = changed("notice-show", locale="pl")
    assert (found["version"], found["changed"]) == (version, [])
    assert [entry["current"] for entry in found["published"]] == [False, False, True, True]


def test_publishing_that_was_cut_short_is_completed(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    version = f"{NEWEST.major}.{NEWEST.minor + 1}.0"
    publish, calls = runtime.registry.publish_notice, []

    def dies_at_the_second(*arguments: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return publish(*arguments, **named)

    monkeypatch.setattr(runtime.registry, "publish_notice", dies_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        perform(Desk(runtime), "notice-publish", {"version": version})
    done = perform(Desk(runtime), "notice-publish", {"version": version})
    assert [entry["published"] for entry in done["notices"]] == [False, True]


def test_an_older_and_a_malformed_version_are_refused(do: Do) -> None:
    with pytest.raises(InvalidRequest, match="older than"):
        do("notice-publish", version="0.9.0")
    with pytest.raises(InvalidRequest, match="not a version"):
        do("notice-publish", version="two")


def test_a_locale_that_is_not_there_is_named(do: Do) -> None:
    with pytest.raises(NotFound, match="not in 'de'"):
        do("notice-show", locale="de")
