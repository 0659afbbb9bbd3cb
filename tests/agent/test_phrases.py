"""Every locale says everything, with the same names to fill in, and its answers cannot be mistaken."""

import re
from dataclasses import fields

import pytest

from agent.phrases import ENGLISH, PHRASES, Phrases, phrases_for, wished_locale
from consent.notice import locales, versions


def names(phrases: Phrases, field: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", str(getattr(phrases, field))))


@pytest.mark.parametrize("locale", PHRASES)
def test_every_phrase_is_said_with_the_same_names(locale: str) -> None:
    for field in fields(Phrases):
        value = getattr(PHRASES[locale], field.name)
        assert value, f"{field.name} is empty"
        if field.name != "purposes":
            assert names(PHRASES[locale], field.name) == names(ENGLISH, field.name), field.name


def test_every_locale_of_the_newest_notice_has_phrases() -> None:
    assert set(locales(versions()[-1])) <= set(PHRASES)


@pytest.mark.parametrize("phrases", PHRASES.values(), ids=PHRASES)
def test_keys_do_not_collide(phrases: Phrases) -> None:
    assert not set(phrases.yes) & set(phrases.no)
    assert "" in phrases.no and "" not in phrases.yes, "Enter alone is a no"
    assert phrases.sign in phrases.yes
    keys = [phrases.start_read, phrases.start_go_on, *phrases.yes, *phrases.no]
    assert "q" not in keys and len({phrases.pager_back, phrases.pager_end, "q", ""}) == 4
    assert {days for days, _ in phrases.terms} == {365, 182, 91, 30}
    assert set(phrases.purposes) == set(ENGLISH.purposes)


@pytest.mark.parametrize(
    ("environ", "locale"),
    [
        ({}, None),
        ({"LANG": "pl_PL.UTF-8"}, "pl"),
        ({"LANG": "C.UTF-8"}, None),
        ({"LANG": "de_DE.UTF-8"}, None),
        ({"LANG": "pl_PL.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ({"LANG": "pl_PL.UTF-8", "LC_MESSAGES": "C"}, None),
        ({"LANG": "PL"}, "pl"),
    ],
)
def test_the_language_of_the_environment(environ: dict[str, str], locale: str | None) -> None:
    assert wished_locale(environ) == locale


def test_an_unknown_language_is_met_in_english() -> None:
    assert phrases_for("de") is ENGLISH
