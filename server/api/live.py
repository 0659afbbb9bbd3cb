"""``GET /api/v1/live``: what changed since a cursor; answers at once, so polling costs next to nothing."""

from flask import Blueprint, Response, jsonify

from server.api.parameters import whole
from server.api.state import runtime
from server.api.viewer import current_viewer, may_see

blueprint = Blueprint("live", __name__)

_MOST = 1_000_000


@blueprint.get("/api/v1/live")
def get_live() -> Response:
    """``changed`` lists visible instances with news after ``after``; null when anything may have changed.

    More than ``most`` of them are null too: who shows fifty machines needs no list of a thousand each second.
    """
    after, most = whole("after"), whole("most", 0, _MOST, _MOST)
    store = runtime().store
    viewer, sources = current_viewer(), runtime().registry.sources()
    cursor = store.cursor()  # before the question, so that news in between comes twice rather than never
    changed = store.changed_since(after)
    visible = None if changed is None else sorted(name for name in changed if may_see(viewer, name, sources))
    if visible is not None and len(visible) > most:
        visible = None
    return jsonify(cursor=cursor, now=runtime().now_ms(), changed=visible)
