"""The operator's one-time link to the dashboard."""

from server.administration.acts import Desk, Json, act
from server.errors import InvalidRequest
from server.links import Grant


@act("link")
def link(desk: Desk) -> Json:
    """A link that opens the dashboard with the operator's eyes, once. Links live in the running server's memory."""
    if desk.token_id is None:
        raise InvalidRequest("a link is opened by the running server; start it with: sysmetric-server run")
    token, expires = desk.runtime.links.create(Grant("operator", token_id=desk.token_id))
    desk.note("link.created", desk.token_id)
    return {"url": f"{desk.config.origin}/open/{token}", "expires": expires}
