"""The words of the pages: both languages say the same things, and every text that is asked for is there and used."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

import server.web
from server.web.locale import LOCALES, number, plural, t, words

WEB = Path(server.web.__file__).parent
#: CLDR's categories of each language.
CATEGORIES = {"en": {"one", "other"}, "pl": {"one", "few", "many", "other"}}
_PLURAL = re.compile(r"\.(one|few|many|other)$")
_HOLE = re.compile(r"\{(\w+)\}")
AREAS = sorted(path.stem for path in (WEB / "words" / "en").glob("*.json"))
#: A quoted text that begins with an area: a key, or what a key begins with.
_ASKED = re.compile(rf"""["'`]((?:{'|'.join(AREAS)})\.[^"'`\s]*)["'`]""")
_FILE = re.compile(r"\.(css|js|html|json)$")


def plurals(locale: str) -> dict[str, set[str]]:
    """Each text that differs by number, and its categories."""
    found: dict[str, set[str]] = {}
    for key in words(locale):
        if match := _PLURAL.search(key):
            found.setdefault(key[: match.start()], set()).add(match[1])
    return {key: categories for key, categories in found.items() if "other" in categories}


def texts(locale: str) -> dict[str, set[str]]:
    """Each key without its category, and the holes of its texts."""
    known = plurals(locale)
    found: dict[str, set[str]] = {}
    for key, text in words(locale).items():
        stem = _PLURAL.sub("", key)
        found.setdefault(stem if stem in known else key, set()).update(_HOLE.findall(text))
    return found


def asked() -> Iterator[tuple[str, str]]:
    """File and what it asks for: a whole key, or with ``*`` at the end what a key begins with."""
    for path in [*WEB.glob("*.py"), *WEB.glob("templates/*.html"), *WEB.glob("static/*.js")]:
        for text in _ASKED.findall(path.read_text("utf-8")):
            start = re.split(r"\$?\{", text)[0]
            if not _FILE.search(text):
                yield path.name, f"{start}*" if start != text or text.endswith(".") else text


@pytest.mark.parametrize("locale", LOCALES)
def test_a_file_holds_texts_of_its_area_only_and_none_twice(locale: str) -> None:
    for area in AREAS:
        pairs = json.loads((WEB / "words" / locale / f"{area}.json").read_text("utf-8"), object_pairs_hook=list)
        keys = [key for key, _ in pairs]
        assert len(keys) == len(set(keys)) and all(key.startswith(f"{area}.") for key in keys)
        assert all(text == text.strip() and text for _, text in pairs)


def test_both_languages_have_the_same_texts_with_the_same_holes() -> None:
    assert texts("pl") == texts("en")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", ["state", "source"])
def test_a_state_and_a_source_have_one_name_on_all_pages(locale: str, kind: str) -> None:
    def named(area: str) -> dict[str, str]:
        start = f"{area}.{kind}."
        return {key.removeprefix(start): text for key, text in words(locale).items() if key.startswith(start)}

    assert named("overview") == named("instance") != {}


@pytest.mark.parametrize("locale", LOCALES)
def test_every_plural_has_the_forms_of_its_language(locale: str) -> None:
    assert {key: forms for key, forms in plurals(locale).items() if forms != CATEGORIES[locale]} == {}
    assert set(plurals(locale)) == set(plurals("en"))


def test_every_text_that_is_asked_for_is_there() -> None:
    known = texts("en")
    missing = [
        (file, text)
        for file, text in asked()
        if not (any(key.startswith(text[:-1]) for key in known) if text.endswith("*") else text in known)
    ]
    assert missing == []


@pytest.mark.parametrize("area", AREAS)
def test_every_text_is_asked_for(area: str) -> None:
    whole = {text for _, text in asked()}
    starts = {text[:-1] for text in whole if text.endswith("*")} - {f"{area}."}
    for file in {file for file, text in asked() if text == f"{area}.*"}:  # `t("compare." ~ name)`: named right there
        source = next(WEB.rglob(file)).read_text("utf-8")
        whole |= {f"{area}.{word}" for word in re.findall(r"[\"'](\w+)[\"']", source)}
    mine = [key for key in texts("en") if key.startswith(f"{area}.")]
    assert [key for key in mine if key not in whole and not key.startswith(tuple(starts))] == []


@pytest.mark.parametrize(
    ("count", "english", "polish"),
    [
        (0, "other", "many"),
        (1, "one", "one"),
        (2, "other", "few"),
        (4, "other", "few"),
        (5, "other", "many"),
        (12, "other", "many"),
        (22, "other", "few"),
        (112, "other", "many"),
        (1.5, "other", "other"),
    ],
)
def test_plurals(count: float, english: str, polish: str) -> None:
    assert (plural("en", count), plural("pl", count)) == (english, polish)


@pytest.mark.parametrize(
    ("value", "english", "polish"),
    [
        (0, "0", "0"),
        (999, "999", "999"),
        (1234, "1,234", "1234"),
        (12345, "12,345", "12\xa0345"),
        (1234567, "1,234,567", "1\xa0234\xa0567"),
        (-1.5, "-1.5", "-1,5"),
        (2.0, "2", "2"),
        (0.12345, "0.123", "0,123"),
    ],
)
def test_numbers_are_written_as_the_language_has_them(app: Flask, value: float, english: str, polish: str) -> None:
    for locale, expected in (("en", english), ("pl", polish)):
        with app.test_request_context(f"/?lang={locale}"):
            assert number(value) == expected


def test_numbers_inside_a_text_too_and_text_stays_text(app: Flask) -> None:
    with app.test_request_context("/?lang=pl"):
        assert t("common.ago.days", count=12345) == "12\xa0345 dni temu"
        assert t("common.ago.days", count="{count}") == "{count} dnia temu"
    with pytest.raises(KeyError):
        t("common.nothing")
