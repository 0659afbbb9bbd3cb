"""What a person chose for the pages: theme, units, time zone, language; ``settings.js`` does the same with a script.

Rules:

* The URL wins over the cookie; what is not known is as if it were not said.
* What is not as usual stands in the URL, so that a copied link shows the same to somebody else, and in a cookie, so
  that it stays. The usual language is the one that the browser asks for.
* A choice without a script is a link with ``set=NAME``: the answer sets the cookie and leads to the address without
  ``set``. A link from elsewhere shows what it says and changes nothing for later.
"""

from urllib.parse import quote, urlencode

from flask import current_app, redirect, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from server.web.locale import LOCALES, asked_locale, locale_of_request, t

#: The values of each setting, the usual one first.
SETTINGS = {"theme": ("auto", "light", "dark"), "units": ("auto", "iec", "si"), "zone": ("local", "utc")}
_KNOWN = {"lang": LOCALES, **SETTINGS}
_LANGUAGES = {"en": "English", "pl": "Polski"}
_YEAR = 365 * 86_400

Choice = tuple[str, str, str, bool]


def in_force(name: str) -> str:
    """The value of a setting for this request."""
    if name == "lang":
        return locale_of_request()
    values = SETTINGS[name]
    for asked in (request.args.get(name), request.cookies.get(name)):
        if asked in values:
            return str(asked)
    return values[0]


def kept_query() -> str:
    """The settings that a link takes along: what stands in the URL and what is not as usual; ``""`` or ``?...``."""
    kept = {
        name: in_force(name)
        for name, values in _KNOWN.items()
        if request.args.get(name) in values or in_force(name) != _usual(name)
    }
    return f"?{urlencode(kept)}" if kept else ""


def remember_choice() -> Response | None:
    """The answer to a link of the menu; None where this request is none."""
    name = request.args.get("set", "")
    if name not in _KNOWN or request.method != "GET":
        return None
    value, usual = in_force(name), _usual(name)
    parts = request.args.copy()
    parts.poplist("set")
    if value == usual:
        parts.poplist(name)
    answer = redirect(_with(parts))
    if request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin":
        answer.set_cookie(
            name,
            value,
            max_age=0 if value == usual else _YEAR,
            samesite="Lax",
            secure=current_app.config["SESSION_COOKIE_SECURE"],
        )
    answer.headers["Cache-Control"] = "no-store"
    return answer


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


def _usual(name: str) -> str:
    return asked_locale() if name == "lang" else SETTINGS[name][0]


def _address(name: str, value: str) -> str:
    """This page with one setting chosen."""
    parts = request.args.copy()
    parts[name], parts["set"] = value, name
    return _with(parts)


def _with(parts: MultiDict[str, str]) -> str:
    query = urlencode(list(parts.items(multi=True)))
    return quote(request.path) + (f"?{query}" if query else "")
