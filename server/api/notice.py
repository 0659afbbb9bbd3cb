"""``GET /api/v1/notice``: the signed agreement, byte for byte as published, and a nonce to answer it with."""

from flask import Blueprint, Response, jsonify, request

from server.api.state import runtime
from server.enrolment import issue_nonce
from server.errors import NotFound

blueprint = Blueprint("notice", __name__)

_DEFAULT = "en"


@blueprint.get("/api/v1/notice")
def get_notice() -> Response:
    """The notice in force in the asked locale or its language; in English, or whatever there is, when none is asked."""
    published = runtime().registry.notices()
    newest = max((notice.version for notice in published), default=None)
    current = {notice.offer.notice.locale: notice for notice in published if notice.version == newest}
    now_ms = runtime().now_ms()
    return jsonify(
        notice=current[_choose(request.args.get("locale"), sorted(current))].compact,
        nonce=issue_nonce(runtime().operator_key, now_ms),
        locales=sorted(current),
        server_time=now_ms,
    )


def _choose(asked: str | None, locales: list[str]) -> str:
    """One of ``locales``. Raises NotFound, naming them: a text in another language than asked for is not agreed to."""
    if not locales:
        raise NotFound("no notice is published yet")
    if asked is None:
        return _DEFAULT if _DEFAULT in locales else locales[0]
    for wanted in (asked, asked.replace("_", "-").partition("-")[0].lower()):
        if wanted in locales:
            return wanted
    raise NotFound(f"the notice is there in: {', '.join(locales)}")
