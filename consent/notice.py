"""The agreement texts: parse, render the operator's fields, hash, compare versions.

Rules:

* One folder per version, one Markdown file per locale: ``notice/1.0.0/en.md``. A published file never changes.
* A file is TOML front matter between ``+++`` lines (id, version, locale, title, summary, quiz), then
  sections ``## Heading {#section-id}``. All locales of a version have the same section ids in the same order.
* The operator's values are put in for ``${name}``; a missing or unknown name is an error, and a value with control
  characters is refused. What is signed and hashed is the rendered text, front matter included.
* ``ART_13`` names the section that answers each item of GDPR Art. 13; ``check_complete`` walks it.
* MAJOR: purpose, data, recipient, controller or longer retention; MINOR: clarification; PATCH: typing errors.
"""

import json
import re
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from consent.catalogue import TABLES
from consent.errors import NoticeError

NOTICE_ID = "sysmetric-participation"

#: GDPR Art. 13 item -> id of the section that answers it.
ART_13: dict[str, str] = {
    "13(1)(a) identity and contact of the controller": "controller",
    "13(1)(b) data protection officer": "dpo",
    "13(1)(c) purposes and legal basis": "purposes",
    "13(1)(d) legitimate interests": "legitimate-interests",
    "13(1)(e) recipients": "recipients",
    "13(1)(f) transfers to third countries": "transfers",
    "13(2)(a) storage period": "retention",
    "13(2)(b) rights of the data subject": "rights",
    "13(2)(c) right to withdraw": "withdrawal",
    "13(2)(d) complaint to a supervisory authority": "authority",
    "13(2)(e) whether provision is required": "voluntary",
    "13(2)(f) automated decisions": "automated-decisions",
}
#: Further sections that this product promises.
REQUIRED_SECTIONS = (*ART_13.values(), "data", "risks", "proof", "machine-owner")

#: What ``describe_tables`` says per locale: the lead-in to a risk, and each unit of the catalogue as people write it.
_UNITS = {"ms": "ms, UTC", "1": "0..1", "By": "B", "By/s": "B/s", "{operation}/s": "1/s"}
_REVEALS = {"en": "It can show", "pl": "Może pokazać"}

_HEADING = re.compile(r"^## (?P<title>.+?) \{#(?P<id>[a-z0-9-]+)\}$", re.MULTILINE)
_FRONT = re.compile(r"\A\+\+\+\n(?P<front>.*?)\n\+\+\+\n(?P<body>.*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A semantic version; compares in the usual order."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> "Version":
        """``MAJOR.MINOR.PATCH``; raises NoticeError."""
        if not re.fullmatch(r"(0|[1-9]\d{0,5})(\.(0|[1-9]\d{0,5})){2}", text, re.ASCII):
            raise NoticeError(f"{text[:20]!r} is not a version such as 1.0.0")
        return cls(*(int(part) for part in text.split(".")))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


@dataclass(frozen=True, slots=True)
class Question:
    """One comprehension question; ``answer`` is the index of the right option, ``explanation`` follows a wrong one."""

    question: str
    options: tuple[str, ...]
    answer: int
    explanation: str


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the body, its Markdown without the heading line."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A parsed text: the one-screen ``summary`` first, then the sections, then the questions."""

    id: str
    version: Version
    locale: str
    title: str
    summary: tuple[str, ...]
    sections: tuple[Section, ...]
    quiz: tuple[Question, ...]
    body: str


def versions() -> list[Version]:
    """The versions that this package holds, oldest first."""
    root = resources.files("consent") / "notice"
    return sorted(Version.parse(entry.name) for entry in root.iterdir() if entry.is_dir() and entry.name[:1].isdigit())


def locales(version: Version) -> list[str]:
    """The locales of one version, sorted."""
    folder = resources.files("consent") / "notice" / str(version)
    return sorted(entry.name.removesuffix(".md") for entry in folder.iterdir() if entry.name.endswith(".md"))


def template(version: Version, locale: str) -> str:
    """The unrendered text. Raises NoticeError for a version or locale that is not there."""
    if version not in versions() or locale not in locales(version):
        raise NoticeError(f"there is no notice {version} in {locale[:20]!r}")
    return (resources.files("consent") / "notice" / str(version) / f"{locale}.md").read_text("utf-8")


def render(text: str, fields: Mapping[str, str]) -> str:
    """The text with every ``${name}`` filled in. Raises NoticeError for a missing name or an unprintable value."""
    for name, value in fields.items():
        if not all(character.isprintable() or character == "\n" for character in value):
            raise NoticeError(f"the value of {name} holds control characters")
    match = _FRONT.match(text)
    if match is None:
        raise NoticeError("the notice has no front matter between +++ lines")
    escaped = {name: json.dumps(value, ensure_ascii=False)[1:-1] for name, value in fields.items()}
    try:
        front = string.Template(match["front"]).substitute(escaped)
        body = string.Template(match["body"]).substitute(fields)
    except (KeyError, ValueError) as error:
        raise NoticeError(f"the notice asks for {error}, which the configuration does not give") from error
    return f"+++\n{front}\n+++\n{body}"


def parse(text: str) -> Notice:
    """A rendered (or template) text as a value. Raises NoticeError naming what is malformed."""
    match = _FRONT.match(text)
    if match is None:
        raise NoticeError("the notice has no front matter between +++ lines")
    try:
        front = tomllib.loads(match["front"])
        quiz = tuple(
            Question(_text(entry, "question"), _texts(entry, "options"), entry["answer"], _text(entry, "explanation"))
            for entry in front["quiz"]
        )
        notice = Notice(
            id=_text(front, "id"),
            version=Version.parse(_text(front, "version")),
            locale=_text(front, "locale"),
            title=_text(front, "title"),
            summary=_texts(front, "summary"),
            sections=_sections(match["body"]),
            quiz=quiz,
            body=match["body"],
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise NoticeError(f"the front matter of the notice is malformed: {error}") from error
    if any(not 0 <= question.answer < len(question.options) for question in quiz):
        raise NoticeError("a question of the notice has no right answer among its options")
    return notice


def check_complete(notice: Notice) -> None:
    """Every item of GDPR Art. 13 and every promised section is there and not empty. Raises NoticeError."""
    texts = {section.id: section.text.strip() for section in notice.sections}
    missing = [name for name in REQUIRED_SECTIONS if not texts.get(name)]
    if missing:
        raise NoticeError(f"the notice {notice.version} in {notice.locale} lacks: {', '.join(missing)}")
    if len(notice.quiz) != 3 or not notice.summary:
        raise NoticeError(f"the notice {notice.version} in {notice.locale} needs a summary and three questions")


def describe_tables(locale: str) -> str:
    """The catalogue as a Markdown list for ``${tables}``: each table, what it reveals, its columns with their units.

    Raises NoticeError for a locale in which the catalogue has no words.
    """
    if locale not in _REVEALS:
        raise NoticeError(f"the catalogue has no words in {locale[:20]!r}")
    lines: list[str] = []
    for table in TABLES.values():
        lines.append(f"- **{table.name}**: {table.words[locale]}. {_REVEALS[locale]}: {table.reveals[locale]}.")
        for column in table.wire_columns:
            unit = f" ({_UNITS[column.unit]})" if column.unit else ""
            lines.append(f"    - `{column.name}`: {column.words[locale]}{unit}")
    return "\n".join(lines)


def _text(table: Mapping[str, Any], name: str) -> str:
    if not isinstance(table[name], str):
        raise TypeError(f"{name} is not a text")
    return str(table[name])


def _texts(table: Mapping[str, Any], name: str) -> tuple[str, ...]:
    if not isinstance(table[name], list) or not all(isinstance(entry, str) for entry in table[name]):
        raise TypeError(f"{name} is not a list of texts")
    return tuple(table[name])


def _sections(body: str) -> tuple[Section, ...]:
    headings = list(_HEADING.finditer(body))
    ends = [*(heading.start() for heading in headings[1:]), len(body)][: len(headings)]
    return tuple(
        Section(heading["id"], heading["title"], body[heading.end() : end].strip())
        for heading, end in zip(headings, ends, strict=True)
    )
