"""Alembic's entry point for every history.

`shared.service.migrate` passes the connection and the version table.
"""

from alembic import context

attributes = context.config.attributes
context.configure(connection=attributes["connection"], version_table=attributes["version_table"])
with context.begin_transaction():
    context.run_migrations()
