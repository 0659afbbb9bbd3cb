"""``GET /api/v1/openapi.json``: the description of this API, written by hand; a test checks it against the routes."""

import json
from functools import cache
from importlib import resources
from typing import Any

from flask import Blueprint, Response

from consent.wire import MEDIA_TYPE

blueprint = Blueprint("openapi", __name__)


@blueprint.get("/api/v1/openapi.json")
def get_openapi() -> Response:
    """OpenAPI 3.1."""
    return Response(_packaged(), content_type=MEDIA_TYPE)


@cache
def document() -> dict[str, Any]:
    """The description, parsed once; not to be changed."""
    parsed: dict[str, Any] = json.loads(_packaged())
    return parsed


@cache
def _packaged() -> bytes:
    return (resources.files("server.api") / "openapi.json").read_bytes()
