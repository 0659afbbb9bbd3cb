"""Alembic executes this file for each run: it hands over the connection, whose transaction is the caller's."""

# pylint: disable=no-member  # alembic.context gets its members while Alembic runs
from alembic import context

from server.registry.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
    transactional_ddl=True,  # SQLite's DDL is transactional once BEGIN is ours
)
context.run_migrations()
