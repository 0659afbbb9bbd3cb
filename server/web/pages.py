"""What all pages share, and the smallest of them: a one-time link, signing out, static files.

Rules:

* A page holds all it knows without a script; the scripts bring it to life.
* Opening a one-time link shows a button, and only pressing it uses the link up: previews of messengers and mail
  scanners only look.
* What changes a session is a POST from this site.
* No inline script or style, nothing from another host: the policy below says so to the browser.
"""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from consent import __version__
from server.api import problems
from server.api.state import runtime
from server.api.viewer import Viewer, current_viewer, sign_in, sign_out
from server.web import numbers
from server.web.assets import asset_response, assets, version
from server.web.locale import asked_locale, locale_of_request, number, t
from server.web.same_site import check_same_site
from server.web.settings import SETTINGS, in_force, kept_query, menu, remember_choice

blueprint = Blueprint("pages", __name__, template_folder="templates")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Nothing leaves this site, and our own forms still carry the Origin that same_site looks at.
    "Referrer-Policy": "same-origin",
}
#: Endpoint, words and who is shown it, in the order of the navigation.
NAVIGATION = (
    ("pages.overview", "common.nav.overview", ("operator", "public")),
    ("pages.machine", "common.nav.machine", ("volunteer",)),
    ("pages.compare", "common.nav.compare", ("operator", "public", "volunteer")),
    ("pages.own", "common.nav.own", ("volunteer",)),
    ("pages.api_docs", "common.nav.api", ("operator", "public", "volunteer")),
)


@dataclass(frozen=True, slots=True)
class Range:
    """A range of time that the page offers; ``name`` is what stands in the URL."""

    name: str
    label: str
    words: str


RANGES = (
    Range("5m", "5 min", "5 minutes"),
    Range("15m", "15 min", "15 minutes"),
    Range("1h", "1 h", "1 hour"),
    Range("6h", "6 h", "6 hours"),
    Range("24h", "24 h", "24 hours"),
)


def not_here(error: HTTPException) -> AnyResponse:
    """404 where no route is: a page for people, a problem below ``/api/`` and for programs' other paths."""
    if request.path.startswith(("/api/", "/v1/", "/static/")):
        return problems.handle(error)
    return _private(render_template("lost.html"), 404)


@blueprint.get("/open/<token>")
def open_link(token: str) -> Response:
    """Ask for one press of a button; the link is not used yet."""
    return _private(render_template("open.html", token=token))


@blueprint.post("/open/<token>")
def use_link(token: str) -> AnyResponse:
    """Use the link up, begin the session and go to the dashboard."""
    check_same_site()
    grant = runtime().links.consume(token)
    if grant is None:
        return _private(render_template("used.html"), 410)
    sign_in(grant)
    if grant.instance is not None:
        return redirect(f"/machines/{grant.instance}", 303)
    return redirect(url_for("pages.overview"), 303)


@blueprint.post("/sign-out")
def leave() -> AnyResponse:
    """End the session and show what everybody sees."""
    check_same_site()
    sign_out()
    return redirect(url_for("pages.overview"), 303)


@blueprint.get("/static/<release>/<path:name>")
def static_file(release: str, name: str) -> Response:
    """A static file of this release; a page of another one gets the newest, and asks again next time."""
    asset = assets().get(name)
    if asset is None:
        abort(404)
    return asset_response(request, asset, current=release == version())


@blueprint.get("/favicon.ico")
def favicon() -> Response:
    """Browsers that do not read the page's icon ask here."""
    return asset_response(request, assets()["icon.svg"], current=False)


@blueprint.after_request
def _protect(response: Response) -> Response:
    response.headers.update(_HEADERS)
    return response


@blueprint.app_context_processor
def _always_there() -> dict[str, Any]:
    viewer = current_viewer()
    return {
        **{name: in_force(name) for name in SETTINGS},
        "asset": lambda name: url_for("pages.static_file", release=version(), name=name),
        "title": runtime().config.public_title,
        "retention": runtime().config.retention_hours,
        "release": __version__,
        "locale": locale_of_request(),
        "asked_locale": asked_locale(),
        "t": t,
        "who": viewer.role,
        "kept": kept_query(),
        "settings_menu": menu,
        "navigation": _pages_for(viewer),
    }


def _pages_for(viewer: Viewer) -> list[tuple[str, str, str]]:
    """Address, words and ``aria-current`` of each page that ``viewer`` is offered."""
    here, entries = request.endpoint, [entry for entry in NAVIGATION if viewer.role in entry[2]]
    # A machine of the list is below the list, for whoever has no machine as a page of its own.
    above = "pages.overview" if here == "pages.machine" and viewer.role != "volunteer" else ""
    return [
        (
            url_for(endpoint, instance=viewer.instance) if endpoint == "pages.machine" else url_for(endpoint),
            words,
            "page" if endpoint == here else "true" if endpoint == above else "",
        )
        for endpoint, words, _ in entries
    ]


for _filter in (numbers.ago, numbers.percent, numbers.rate, numbers.memory, numbers.iso, number):
    blueprint.add_app_template_filter(_filter)
blueprint.before_request(remember_choice)


def _private(page: str, status: int = 200) -> Response:
    response = make_response(page, status)
    response.headers["Cache-Control"] = "no-store"
    return response
