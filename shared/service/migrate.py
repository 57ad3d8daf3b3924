"""Migrations, run by the owner role. A schema has two Alembic histories, each with its own version
table.

`plumbing` makes the tables that every service has, the other one makes the service's own. The
application role is created here if need be, and gets what it needs and no more: it cannot change
the schema, and cannot UPDATE or DELETE a table that a migration has declared `append_only`.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from shared.core.settings import Settings, missing
from shared.db import migrations
from shared.service import feed_api
from shared.service.definition import ServiceDefinition

SCRIPTS = Path(migrations.__file__).parent
PLUMBING = SCRIPTS / "plumbing"


def migrate(definition: ServiceDefinition, settings: Settings, revision: str = "head") -> None:
    """Bring the plumbing to its newest revision and the service's own tables to `revision`.

    All of it in one transaction. Repeating it changes nothing.
    """
    service = definition.name
    application = make_url(settings.database_url_of(service))
    options = {"options": f"-csearch_path={service},public -clock_timeout=5s"}
    engine = create_engine(_owner_url(settings, application), connect_args=options)
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('wishtree.migrate'))"))
            _prepare(
                connection, service, str(application.username), str(application.password or "")
            )
            role = str(application.username)
            _upgrade(connection, PLUMBING, "alembic_plumbing", role, "head")
            _upgrade(connection, definition.migrations, f"alembic_{service}", role, revision)
            _after_a_restore(connection)
    finally:
        engine.dispose()


def _owner_url(settings: Settings, application: URL) -> URL:
    """The owner role, at the database that the application uses."""
    url = settings.owner_database_url or missing(
        "owner_database_url", "the URL of the role that owns the schemas"
    )
    found = make_url(url).set(
        drivername="postgresql+psycopg",
        database=application.database,
        host=application.host,
        port=application.port,
    )
    return found.set(query=application.query) if application.query else found


def _upgrade(
    connection: Connection, versions: Path, version_table: str, role: str, revision: str
) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "os")
    config.attributes.update(connection=connection, version_table=version_table, role=role)
    command.upgrade(config, revision)


def _after_a_restore(connection: Connection) -> None:
    """Make rows from another cluster visible again: their transaction ids may lie ahead of this
    one's.
    """
    with Session(connection) as session:
        feed_api.new_epoch(session)
        session.flush()
    if connection.scalar(text("SELECT to_regprocedure('after_restore()')")) is not None:
        connection.execute(
            text("SELECT after_restore()")
        )  # what a service itself orders by transaction ids


def _prepare(connection: Connection, service: str, role: str, password: str) -> None:
    """Schema, application role and clock. The role's settings matter behind a pooler that drops
    start-up options.
    """
    quote = connection.dialect.identifier_preparer.quote
    known = connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role})
    if not known:
        literal = password.replace("'", "''")
        connection.execute(
            text(f"CREATE ROLE {quote(role)} LOGIN PASSWORD '{literal}'".replace(":", r"\:"))
        )
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {quote(service)}"))
    connection.execute(text("CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA public"))
    connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public"))
    connection.execute(text(f"GRANT USAGE ON SCHEMA {quote(service)} TO {quote(role)}"))
    for what in ("SELECT, INSERT, UPDATE, DELETE ON TABLES", "USAGE, SELECT ON SEQUENCES"):
        connection.execute(
            text(
                f"ALTER DEFAULT PRIVILEGES IN SCHEMA {quote(service)} GRANT {what} TO {quote(role)}"
            )
        )
    connection.execute(text(_CLOCK))


_CLOCK = """
CREATE OR REPLACE FUNCTION app_now() RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT now() + coalesce(nullif(current_setting('wishtree.clock_offset', true), '')\\:\\:interval, interval '0') $$
"""
