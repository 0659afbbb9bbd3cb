"""What a person chose for the pages: theme, units, time zone, language; ``settings.js`` keeps it.

Rules: the URL wins over the cookie; what is not known is as usual. Without a script the menu's links set the URL, and
the links of the frame carry it along.
"""

from urllib.parse import urlencode

from flask import request

from server.web.locale import LOCALES, locale_of_request, t

#: The values of each setting, the usual one first.
SETTINGS = {"theme": ("auto", "light", "dark"), "units": ("auto", "iec", "si"), "zone": ("local", "utc")}
_LANGUAGES = {"en": "English", "pl": "Polski"}

Choice = tuple[str, str, str, bool]


def in_force(name: str) -> str:
    """The value of a setting for this request."""
    values = SETTINGS[name]
    for asked in (request.args.get(name), request.cookies.get(name)):
        if asked in values:
            return str(asked)
    return values[0]


def kept_query() -> str:
    """The settings that stand in the URL, as a query for the frame's links; empty when there are none."""
    known = {**SETTINGS, "lang": LOCALES}
    kept = {name: request.args[name] for name, values in known.items() if request.args.get(name) in values}
    return f"?{urlencode(kept)}" if kept else ""


def menu() -> list[tuple[str, str, list[Choice]]]:
    """Name, label and choices (value, words, address, whether in force) of each setting."""
    here = locale_of_request()
    languages = [(value, words, _address("lang", value), value == here) for value, words in _LANGUAGES.items()]
    groups = [("lang", t("common.settings.lang"), languages)]
    for name, values in SETTINGS.items():
        label = f"common.settings.{name}"
        now = in_force(name)
        choices = [(value, t(f"{label}.{value}"), _address(name, value), value == now) for value in values]
        groups.append((name, t(label), choices))
    return groups


def _address(name: str, value: str) -> str:
    """This page with one setting changed; the usual value is written too, or a cookie would win."""
    parts = request.args.copy()
    parts[name] = value
    return f"{request.path}?{urlencode(list(parts.items(multi=True)))}"
