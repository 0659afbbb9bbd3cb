"""``GET /api/v1/openapi.json``: the description of this API, written by hand; a test checks it against the routes."""

from importlib import resources

from flask import Blueprint, Response

from consent.wire import MEDIA_TYPE

blueprint = Blueprint("openapi", __name__)


@blueprint.get("/api/v1/openapi.json")
def get_openapi() -> Response:
    """OpenAPI 3.1."""
    return Response((resources.files("server.api") / "openapi.json").read_bytes(), content_type=MEDIA_TYPE)
