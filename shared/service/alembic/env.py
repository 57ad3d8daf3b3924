"""Alembic's entry point for every service: the connection and the service come from `shared.migrate`."""

from alembic import context

from shared.service.migrate import metadata_of

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=metadata_of(attributes["service"]),
    version_table=f"alembic_{attributes['service']}",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
