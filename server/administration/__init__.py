"""Everything an operator does, each act a function that returns a JSON value; one module per subject.

``perform(desk, verb, arguments)`` is the one way in, for the command line and for ``POST /api/v1/admin/<verb>``.
"""

from server.administration import audit, consents, importing, instances, invites, links, notices, purging, stats, tokens
from server.administration.acts import ACTS, LOCAL, Act, Desk, Json, perform

__all__ = ["ACTS", "LOCAL", "Act", "Desk", "Json", "perform"]

#: Importing a subject makes its acts known.
SUBJECTS = (audit, consents, importing, instances, invites, links, notices, purging, stats, tokens)
