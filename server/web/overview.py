"""``/``: every machine that the viewer may see, one page of them at a time.

Rules:

* What is shown stands in the URL: filter, sorting, page, state, source, marks. A value that does not fit is ignored
  here, unlike in the API: a link that a person mended by hand still opens the page.
* Rows, tiles, sorting, paging, filter and marks are links and forms; ``overview.js`` only makes them quicker.
"""

from typing import Any
from urllib.parse import quote, urlencode

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from server.api.instances import MOST_WORDS, SORTS, SOURCES, STATES, Question
from server.api.instances import overview as machines
from server.api.viewer import current_viewer
from server.web.pages import blueprint

PAGE_SIZE = 50
MOST_MARKED = 6
#: Columns that can be sorted, and whether the first press brings the largest to the top.
COLUMNS = (
    ("name", False),
    ("source", False),
    ("state", False),
    ("seen", True),
    ("cpu", True),
    ("memory", True),
    ("disk", True),
)
#: Settings that stand in the URL go along with every link.
_SETTINGS = ("lang", "theme", "units", "zone")


@blueprint.get("/")
def overview() -> AnyResponse:
    """The list of machines."""
    if request.args.get("instance"):
        return _moved(request.args)
    viewer, question = current_viewer(), asked(request.args)
    seen = machines(viewer, question)
    page = render_template(
        "overview.html",
        viewer=viewer,
        question=question,
        seen=seen,
        now=seen["now"],
        columns=COLUMNS,
        pages=max(1, -(-seen["total"] // PAGE_SIZE)),
        marked=[name for name in request.args.getlist("mark") if len(name) <= 64][:MOST_MARKED],
        address=lambda **changes: address(request.args, **changes),
        sorted_by=lambda key, largest_first: next_sort(question.sort, key, largest_first),
        settings={name: request.args[name] for name in _SETTINGS if name in request.args},
    )
    response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    return response


def asked(given: MultiDict[str, str]) -> Question:
    """What the query of the page asks for; what does not fit is as if it were not there."""
    page = given.get("page", "")
    return Question(
        words=given.get("q", "")[:MOST_WORDS],
        sort=_one_of(given, "sort", SORTS) or "name",
        page=int(page) if page.isascii() and page.isdigit() and 0 < len(page) < 7 and int(page) else 1,
        size=PAGE_SIZE,
        source=_one_of(given, "source", SOURCES),
        state=_one_of(given, "state", STATES),
    )


def address(given: MultiDict[str, str], **changes: str | int) -> str:
    """The page with ``changes`` (an empty value takes one out) and what else the query holds; page 1 if not said."""
    kept = {name: given.get(name, "") for name in ("q", "state", "source", "sort", *_SETTINGS)} | changes
    pairs: list[tuple[str, Any]] = [(name, value) for name, value in kept.items() if value]
    pairs += [("mark", mark) for mark in given.getlist("mark")[:MOST_MARKED]]
    return url_for("pages.overview") + (f"?{urlencode(pairs)}" if pairs else "")


def next_sort(current: str, key: str, largest_first: bool) -> str:
    """The sorting that pressing the head of ``key`` brings: the usual direction first, then the other one."""
    first, second = (f"-{key}", key) if largest_first else (key, f"-{key}")
    return second if current == first else first


def _one_of(given: MultiDict[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = given.get(name, "")
    return value if value in allowed else ""


def _moved(given: MultiDict[str, str]) -> Response | AnyResponse:
    """Where one machine was shown here before, it has a page of its own now."""
    rest = [(name, value) for name, value in given.items(multi=True) if name != "instance"]
    target = f"/machines/{quote(given['instance'], safe='')}"
    return redirect(target + (f"?{urlencode(rest)}" if rest else ""))
