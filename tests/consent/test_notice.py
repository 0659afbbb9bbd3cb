"""The agreement texts as published, and the reader of them under hostile input."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.catalogue import TABLES
from consent.errors import NoticeError
from consent.notice import (
    ART_13,
    NOTICE_ID,
    REQUIRED_SECTIONS,
    Notice,
    Version,
    check_complete,
    describe_tables,
    locales,
    parse,
    render,
    template,
    versions,
)

FIELDS = {
    name: f"<{name}>"
    for name in (
        "controller_name controller_address controller_contact dpo recipients transfers jurisdiction authority "
        "storage_location samples_hours proof_days period_seconds origin tables"
    ).split()
}
PUBLISHED = [(version, locale) for version in versions() for locale in locales(version)]


def published(version: Version, locale: str) -> Notice:
    return parse(render(template(version, locale), FIELDS))


@pytest.mark.parametrize(("version", "locale"), PUBLISHED)
class TestEveryPublishedText:
    def test_answers_every_item_of_article_13(self, version: Version, locale: str) -> None:
        texts = {section.id: section.text for section in published(version, locale).sections}
        for item, section in ART_13.items():
            assert len(texts[section]) > 4, f"{item} is not answered"
        assert set(REQUIRED_SECTIONS) <= set(texts)
        check_complete(published(version, locale))

    def test_says_what_it_is(self, version: Version, locale: str) -> None:
        notice = published(version, locale)
        assert (notice.id, notice.version, notice.locale) == (NOTICE_ID, version, locale)

    def test_uses_every_value_of_the_operator(self, version: Version, locale: str) -> None:
        text = render(template(version, locale), FIELDS)
        assert "${" not in text
        for name in FIELDS:
            assert f"<{name}>" in text, f"{name} is never said"

    def test_first_layer_says_who_how_long_and_how_to_stop(self, version: Version, locale: str) -> None:
        summary = "\n".join(published(version, locale).summary)
        for needed in ("<controller_name>", "<controller_contact>", "<samples_hours>", "sysmetric consent revoke"):
            assert needed in summary

    def test_names_the_laws(self, version: Version, locale: str) -> None:
        purposes = next(s.text for s in published(version, locale).sections if s.id == "purposes")
        for law in ("2016/679", "2002/58", "399", "1221"):
            assert law in purposes

    def test_asks_three_questions_with_one_right_answer_each(self, version: Version, locale: str) -> None:
        quiz = published(version, locale).quiz
        assert len(quiz) == 3
        assert len({question.answer for question in quiz}) == 3, "the right answer must not always stand in one place"
        assert all(len(set(question.options)) == len(question.options) >= 3 for question in quiz)
        assert all(question.explanation for question in quiz)

    def test_names_only_commands_that_exist(self, version: Version, locale: str) -> None:
        said = set(re.findall(r"`sysmetric ([a-z ]+)`", template(version, locale)))
        assert said <= {
            "consent revoke",
            "consent show",
            "consent verify",
            "consent notice",
            "data export",
            "dashboard",
            "pause",
            "preview",
        }

    def test_has_the_sections_of_its_other_locales_in_the_same_order(self, version: Version, locale: str) -> None:
        for other in locales(version):
            assert [s.id for s in published(version, locale).sections] == [
                s.id for s in published(version, other).sections
            ]
            assert [q.answer for q in published(version, locale).quiz] == [
                q.answer for q in published(version, other).quiz
            ]


def test_the_first_version_is_there_in_english_and_polish() -> None:
    assert locales(Version(1, 0, 0)) == ["en", "pl"]


def test_the_list_of_tables_names_every_column_in_both_languages() -> None:
    for locale in ("en", "pl"):
        text = describe_tables(locale)
        for table in TABLES.values():
            assert table.words[locale] in text
            assert table.reveals[locale] in text
            for column in table.wire_columns:
                assert f"`{column.name}`: {column.words[locale]}" in text
    with pytest.raises(NoticeError, match="no words in 'de'"):
        describe_tables("de")


def test_a_missing_value_is_named() -> None:
    fields = {name: value for name, value in FIELDS.items() if name != "authority"}
    with pytest.raises(NoticeError, match="authority"):
        render(template(Version(1, 0, 0), "en"), fields)


@pytest.mark.parametrize("hostile", ["\x1b[2J", "a\x00b", "a\rb", "a\u202eb", "a\u200bb", "\x9b31m"])
def test_a_value_with_control_characters_is_refused(hostile: str) -> None:
    with pytest.raises(NoticeError, match="controller_name holds control characters"):
        render(template(Version(1, 0, 0), "en"), {**FIELDS, "controller_name": hostile})


@given(st.text(st.characters(exclude_categories=("C", "Zl", "Zp", "Zs")), min_size=1, max_size=60))
def test_no_value_can_break_out_of_the_front_matter(value: str) -> None:
    notice = parse(render(template(Version(1, 0, 0), "en"), {**FIELDS, "controller_name": value}))
    assert notice.summary[0] == f"Who: {value}, <controller_contact>."
    assert len(notice.quiz) == 3


@pytest.mark.parametrize("value", ['"\nid = "x', '"]\n[[quiz]]\n', "\n+++\n", "\\", "a\nb"])
def test_a_value_with_toml_in_it_stays_a_value(value: str) -> None:
    notice = parse(render(template(Version(1, 0, 0), "en"), {**FIELDS, "controller_name": value}))
    assert notice.summary[0] == f"Who: {value}, <controller_contact>."


def test_an_unknown_version_or_locale_is_an_error() -> None:
    for version, locale in ((Version(9, 0, 0), "en"), (Version(1, 0, 0), "de"), (Version(1, 0, 0), "../../x")):
        with pytest.raises(NoticeError, match="there is no notice"):
            template(version, locale)


def test_an_incomplete_text_is_refused_by_name() -> None:
    text = render(template(Version(1, 0, 0), "en"), FIELDS)
    without = text.replace("{#authority}", "{#something-else}")
    with pytest.raises(NoticeError, match="lacks: authority"):
        check_complete(parse(without))
    with pytest.raises(NoticeError, match="three questions"):
        check_complete(parse(re.sub(r"\[\[quiz\]\]\nquestion = \"For which.*?\n\+\+\+", "+++", text, flags=re.DOTALL)))


@pytest.mark.parametrize(
    "front",
    [
        "",
        "id = 1",
        "= broken",
        'id = "a"\nversion = "1.0"\nlocale = "en"\ntitle = "t"\nsummary = []\nquiz = []',
        'id = "a"\nversion = 1\nlocale = "en"\ntitle = "t"\nsummary = []\nquiz = []',
        'id = "a"\nversion = "1.0.0"\nlocale = "en"\ntitle = "t"\nsummary = []\nquiz = ["x"]',
        'id = "a"\nversion = "1.0.0"\nlocale = "en"\ntitle = "t"\nsummary = "abc"\nquiz = []',
        'id = "a"\nversion = "1.0.0"\nlocale = "en"\ntitle = 1\nsummary = []\nquiz = []',
        'id = "a"\nversion = "1.0.0"\nlocale = "en"\ntitle = "t"\nsummary = []\n'
        '[[quiz]]\nquestion = "q"\noptions = ["a"]\nanswer = 1\nexplanation = "e"',
    ],
)
def test_malformed_front_matter_is_a_notice_error(front: str) -> None:
    with pytest.raises(NoticeError):
        parse(f"+++\n{front}\n+++\nbody")


@given(st.text(max_size=300))
def test_any_text_parses_or_is_a_notice_error(text: str) -> None:
    for candidate in (text, f"+++\n{text}\n+++\n"):
        try:
            parse(candidate)
        except NoticeError:
            pass


numbers = st.integers(0, 999_999)


@given(numbers, numbers, numbers)
def test_a_version_survives_being_written_and_read(major: int, minor: int, patch: int) -> None:
    assert Version.parse(str(Version(major, minor, patch))) == Version(major, minor, patch)


@given(st.tuples(numbers, numbers, numbers), st.tuples(numbers, numbers, numbers))
def test_versions_compare_as_their_numbers_do(left: tuple[int, int, int], right: tuple[int, int, int]) -> None:
    assert (Version(*left) < Version(*right)) == (left < right)


@pytest.mark.parametrize(
    "text", ["", "1", "1.0", "1.0.0.0", "01.0.0", "1.0.0-rc1", "1.0.x", "-1.0.0", "1.0.0\n", "١.0.0"]
)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(NoticeError, match="is not a version"):
        Version.parse(text)
