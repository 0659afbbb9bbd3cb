"""``/machines/<instance>``: the charts of one machine.

Rules:

* Who may not see a machine gets the page, and the status, of one that is not there.
* Everything that makes the picture stands in the URL, and only the scripts read it: the answer depends on the path
  and the session alone.
* A volunteer whose machine has sent nothing yet sees the commands that change this.
"""

from typing import Any

from flask import Response, make_response, render_template

from consent.alias import alias_of
from server.api.instances import Question, overview
from server.api.viewer import current_viewer
from server.api.visible import visible_instance
from server.errors import NotFound
from server.web.pages import RANGES, blueprint


@blueprint.get("/machines/<instance>")
def machine(instance: str) -> Response:
    """The page of one visible machine, or 404 with words that say what may have happened."""
    viewer = current_viewer()
    try:
        visible = bool(visible_instance(instance))
    except NotFound:
        visible = False
    seen: dict[str, Any] = overview(viewer, Question(only=(instance,)))
    page = render_template(
        "instance.html",
        viewer=viewer,
        instance=instance if visible else "",
        alias=alias_of(instance) if visible else "",
        entry=next(iter(seen["instances"]), None) if visible else None,
        cursor=seen["cursor"],
        now=seen["now"],
        ranges=RANGES,
    )
    response = make_response(page, 200 if visible else 404)
    response.headers["Cache-Control"] = "no-store"
    return response
