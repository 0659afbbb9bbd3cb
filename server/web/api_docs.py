"""``/docs/api``: the HTTP API as a page, made of ``openapi.json``; it needs no script and no other host.

The texts of the description are English, whatever the language of the page, and are marked so.
"""

import re

from flask import Response, make_response, render_template
from markupsafe import Markup, escape

from server.api.openapi import document
from server.api.state import runtime
from server.web.openapi_view import tags
from server.web.pages import blueprint

_CODE = re.compile(r"`([^`]+)`")
_HOLE = re.compile(r"\{(\w+)\}")


@blueprint.get("/docs/api")
def api_docs() -> Response:
    """The page; the description is the same for everybody, the navigation above it is not."""
    page = render_template(
        "api.html", tags=tags(), about=document()["info"]["description"], prose=prose, command=command
    )
    response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    return response


def prose(text: str) -> Markup:
    """A text of the description, in which what stands between backticks is code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))


def command(example: str) -> Markup:
    """An example with this server's address in it; what the reader has to fill in is marked."""
    filled = str(escape(example.replace("{origin}", runtime().config.origin)))
    return Markup(_HOLE.sub(r"<var>{\1}</var>", filled))
