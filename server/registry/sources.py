"""The open servers whose log files are imported.

Rule: an open server is public, so its name and its instance id stand in clear. The id is a random UUID like any
other, so that the stores need not tell the two kinds of instance apart.
"""

import uuid

from sqlalchemy import insert, select

from server.registry.database import Database
from server.registry.schema import sources


class Sources(Database):
    """The open servers of one registry."""

    def source_instance(self, name: str) -> str:
        """The instance id of an open server; the first call for a name makes it."""
        query = select(sources.c.instance).where(sources.c.name == name)
        with self.reading() as connection:
            known = connection.execute(query).scalar()
        if known is not None:
            return str(known)
        with self.writing() as connection:
            known = connection.execute(query).scalar()
            if known is None:
                known = str(uuid.uuid4())
                connection.execute(insert(sources).values(name=name, instance=known))
        return str(known)

    def sources(self) -> dict[str, str]:
        """Instance id to name, of every open server."""
        return dict(self.remembered("sources", self._read_sources))

    def _read_sources(self) -> dict[str, str]:
        with self.reading() as connection:
            rows = connection.execute(select(sources.c.instance, sources.c.name).order_by(sources.c.name))
            return {row.instance: row.name for row in rows}
