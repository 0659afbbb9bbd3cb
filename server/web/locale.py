"""Words of the pages in the reader's language.

Rules:

* ``words/<locale>/<area>.json`` holds flat keys ``area.key``; both locales have the same keys and placeholders.
* The language is that of ``?lang=``, else of the cookie ``lang``, else of Accept-Language, else English.
* A text with a number is looked up as ``key.one``, ``.few``, ``.many`` or ``.other`` by CLDR's rules for ``count``.
* A key that is missing is shown as it is, so that one forgotten word does not take a page down; a test finds it.
"""

import json
from functools import cache
from pathlib import Path

from flask import request

LOCALES = ("en", "pl")
_WORDS = Path(__file__).parent / "words"


def locale_of_request() -> str:
    """``en`` or ``pl``."""
    for wish in (request.args.get("lang"), request.cookies.get("lang")):
        if wish in LOCALES:
            return wish
    return request.accept_languages.best_match(LOCALES, "en")


@cache
def words_of(locale: str) -> dict[str, str]:
    """Every word of every area in one language."""
    found: dict[str, str] = {}
    for path in sorted((_WORDS / locale).glob("*.json")):
        found |= json.loads(path.read_text("utf-8"))
    return found


def plural(locale: str, count: float) -> str:
    """CLDR's plural category."""
    if count == 1:
        return "one"
    if locale == "en" or count != int(count):
        return "other"
    tens, units = int(count) % 100, int(count) % 10
    return "few" if 2 <= units <= 4 and not 12 <= tens <= 14 else "many"


def t(key: str, **values: object) -> str:  # the name that templates and scripts share
    """The text of ``key`` in the language of this request, with ``{name}`` filled in."""
    locale = locale_of_request()
    words = words_of(locale)
    text = words.get(key)
    count = values.get("count")
    if text is None and isinstance(count, (int, float)):
        text = words.get(f"{key}.{plural(locale, count)}")
    return key if text is None else text.format(**values)
