"""``/compare``: two to six machines, or one at two times, on the same axes.

Rules:

* The URL holds it all: ``?instance=A&instance=B&range=1h`` or ``?instance=A&range=1h&earlier=24h``.
* ``add=alias`` is what the form on the page sends; it is answered by the address with that machine's id in it.
* A machine that the viewer may not see is left out as if it were not there.
"""

from typing import Any
from urllib.parse import urlencode

from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from server.api.instances import overview
from server.api.viewer import current_viewer
from server.web.pages import RANGES, blueprint

MOST = 6
#: How far back a machine may be compared with itself.
EARLIER = ("1h", "6h", "24h")
#: Names that the field offers while somebody types.
MOST_OFFERED = 200
_SETTINGS = ("lang", "theme", "units", "zone")


@blueprint.get("/compare")
def compare() -> AnyResponse:
    """The page, or the address that a name typed into it leads to."""
    viewer = current_viewer()
    entries: list[dict[str, Any]] = overview(viewer)["instances"]
    by_id = {entry["instance"]: entry for entry in entries}
    wanted = [name for name in dict.fromkeys(request.args.getlist("instance")) if name in by_id][:MOST]
    added = request.args.get("add", "").strip()[:100]
    found = _found(entries, added) if added else None
    if found is not None and found not in wanted:
        return redirect(_address([*wanted, found][:MOST]))
    page = render_template(
        "compare.html",
        viewer=viewer,
        chosen=[by_id[name] for name in wanted],
        offered=[entry for entry in entries if entry["instance"] not in wanted][:MOST_OFFERED],
        unknown=added if added and found is None else "",
        most=MOST,
        ranges=RANGES,
        range=_choice("range", tuple(each.name for each in RANGES), "1h"),
        earlier=_choice("earlier", EARLIER, ""),
        earlier_choices=EARLIER,
        settings={name: request.args[name] for name in _SETTINGS if name in request.args},
        without=lambda instance: _address([name for name in wanted if name != instance]),
    )
    response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    return response


def _found(entries: list[dict[str, Any]], name: str) -> str | None:
    """The machine of that alias or name; an open server's own name counts too."""
    asked = name.casefold()
    for entry in entries:
        if asked in (entry["alias"].casefold(), str(entry.get("name", "")).casefold()):
            return str(entry["instance"])
    return None


def _address(instances: list[str]) -> str:
    kept = [
        (name, request.args[name]) for name in ("range", "earlier", "from", "to", *_SETTINGS) if request.args.get(name)
    ]
    pairs = [("instance", instance) for instance in instances] + kept
    return url_for("pages.compare") + (f"?{urlencode(pairs)}" if pairs else "")


def _choice(name: str, allowed: tuple[str, ...], default: str) -> str:
    value = request.args.get(name, default)
    return value if value in allowed else default
