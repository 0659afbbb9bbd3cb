"""Words of the pages in the language of whoever asks; ``locale.js`` says the same in the browser.

Rules:

* ``?lang=`` before the cookie ``lang`` before Accept-Language; what is not spoken here is as if it were not said.
* Numbers in a text are written as the language has them: ``12,345`` and ``12 345``, ``1.5`` and ``1,5``.
* Texts stand in ``words/<locale>/<area>.json``: flat keys, ``{name}`` for values; plurals are ``key.one``, ``.few``,
  ``.many``, ``.other`` as CLDR has them, chosen by the value ``count``.
* A key that is missing raises KeyError: the tests find it before a person does.
"""

import json
import re
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib import resources

from flask import has_request_context, request

LOCALES = ("en", "pl")
_HOLE = re.compile(r"\{(\w+)\}")


def locale_of_request() -> str:
    """``en`` or ``pl``."""
    if not has_request_context():
        return LOCALES[0]
    for asked in (request.args.get("lang"), request.cookies.get("lang")):
        if asked in LOCALES:
            return str(asked)
    return asked_locale()


def asked_locale() -> str:
    """What the browser asks for, before anybody chose."""
    return request.accept_languages.best_match(LOCALES) or LOCALES[0]


def number(value: float) -> str:
    """A number of at most three decimals in digit groups, as ``Intl`` writes it; Polish groups from five digits on."""
    polish = locale_of_request() == "pl"
    whole, _, rest = f"{_rounded(value, 3):,f}".partition(".")
    if polish:
        whole = whole.replace(",", "\N{NO-BREAK SPACE}" if len(whole.lstrip("-")) > len("9,999") else "")
    rest = rest.rstrip("0")
    return f"{whole}{',' if polish else '.'}{rest}" if rest else whole


def fixed(value: float, places: int) -> str:
    """So many decimals, with the decimal sign of the language."""
    digits = f"{_rounded(value, places):f}"
    return digits.replace(".", ",") if locale_of_request() == "pl" else digits


def _rounded(value: float, places: int) -> Decimal:
    """The middle goes away from zero, as in browsers; Python's own formatting goes to the even neighbour."""
    return Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


@cache
def words(locale: str) -> dict[str, str]:
    """Every text of every area; raises FileNotFoundError for a locale that is not spoken."""
    folder = resources.files("server.web") / "words" / locale
    texts: dict[str, str] = {}
    for area in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if area.name.endswith(".json"):
            texts |= json.loads(area.read_text("utf-8"))
    return texts


def plural(locale: str, count: float) -> str:
    """The CLDR category of ``count``: English one and other, Polish one, few, many, other (fractions)."""
    if count != int(count):
        return "other"
    if count == 1:
        return "one"
    if locale != "pl":
        return "other"
    return "few" if count % 10 in (2, 3, 4) and count % 100 not in (12, 13, 14) else "many"


def t(key: str, **values: object) -> str:
    """The text of ``key`` in the locale of the request with its holes filled; plain text, not markup."""
    locale = locale_of_request()
    texts = words(locale)
    text = texts.get(key)
    if text is None:
        count = values.get("count")
        category = plural(locale, count) if isinstance(count, int | float) else "other"
        text = texts.get(f"{key}.{category}") or texts[f"{key}.other"]
    return _HOLE.sub(lambda hole: _written(values.get(hole[1], hole[0])), text)


def _written(value: object) -> str:
    return number(value) if isinstance(value, int | float) else str(value)
