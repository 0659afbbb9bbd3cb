"""A form counts only when the page that it stands on sent it: what changes something is a POST from this site."""

from flask import request

from consent.wire import Problem
from server.api.state import runtime
from server.errors import ProblemError


def check_same_site() -> None:
    """Raises ProblemError when another site's page sent this form."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        own = site in ("same-origin", "none")
    else:
        origin = request.headers.get("Origin")
        own = origin is None or origin in (runtime().config.origin, request.host_url.rstrip("/"))
    if not own:
        raise ProblemError(Problem.INVALID_REQUEST, "this form works only on the page it belongs to")
