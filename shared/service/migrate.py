"""Migrations, run by the owner role.

A schema has two Alembic histories, each with its own version table: `plumbing` makes the tables
that every service has, the other makes the service's own. The application role is created here if
it is missing. It cannot change the schema, and cannot UPDATE or DELETE in a table that a migration
has declared `append_only`.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from shared.core.settings import Settings, missing
from shared.db import migrations
from shared.service import feed_api
from shared.service.definition import ServiceDefinition

SCRIPTS = Path(migrations.__file__).parent
PLUMBING = SCRIPTS / "plumbing"
EXTENSIONS = ("btree_gist", "pg_trgm")
GRANTS = ("SELECT, INSERT, UPDATE, DELETE ON TABLES", "USAGE, SELECT ON SEQUENCES")


def migrate(definition: ServiceDefinition, settings: Settings, revision: str = "head") -> None:
    """Bring the plumbing to its newest revision and the service's own tables to `revision`.

    All of it in one transaction. Repeating it changes nothing.
    """
    service = definition.name
    application = make_url(settings.database_url_of(service))
    role = str(application.username)
    engine = _owner_engine(service, _owner_url(settings, application))
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('wishtree.migrate'))"))
            _prepare(connection, service, role, str(application.password or ""))
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


def _owner_engine(service: str, url: URL) -> Engine:
    # A migration that cannot get a lock fails soon, instead of holding up every request behind it.
    options = f"-csearch_path={service},public -clock_timeout=5s"
    return create_engine(url, connect_args={"options": options})


def _upgrade(
    connection: Connection, versions: Path, version_table: str, role: str, revision: str
) -> None:
    config = _config(versions)
    config.attributes.update(connection=connection, version_table=version_table, role=role)
    command.upgrade(config, revision)


def _config(versions: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "os")
    return config


def is_migrated(session: Session, definition: ServiceDefinition) -> bool:
    """Tell whether both histories of a schema are at the revisions of this code."""
    return all(
        _revision(session, table) == ScriptDirectory.from_config(_config(at)).get_current_head()
        for table, at in (
            ("alembic_plumbing", PLUMBING),
            (f"alembic_{definition.name}", definition.migrations),
        )
    )


def _revision(session: Session, table: str) -> str | None:
    if session.scalar(text("SELECT to_regclass(:table)"), {"table": table}) is None:
        return None
    return session.scalar(text(f"SELECT version_num FROM {table}"))  # noqa: S608 - our own name


def _after_a_restore(connection: Connection) -> None:
    """Show rows of another cluster, whose transaction ids may lie ahead of this one's."""
    with Session(connection) as session:
        feed_api.new_epoch(session)
        session.flush()
    # A service may order tables of its own by transaction ids, and has this function then.
    if connection.scalar(text("SELECT to_regprocedure('after_restore()')")) is not None:
        connection.execute(text("SELECT after_restore()"))


def _prepare(connection: Connection, service: str, role: str, password: str) -> None:
    """Create what migrations need: schema, application role, extensions and clock."""
    quote = connection.dialect.identifier_preparer.quote
    schema, user = quote(service), quote(role)
    _create_role(connection, role, user, password)
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
    for extension in EXTENSIONS:
        connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {extension} SCHEMA public"))
    connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {user}"))
    for what in GRANTS:
        default = f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {what} TO {user}"
        connection.execute(text(default))
    connection.execute(text(_CLOCK))


def _create_role(connection: Connection, role: str, user: str, password: str) -> None:
    known = text("SELECT 1 FROM pg_roles WHERE rolname = :role")
    if connection.scalar(known, {"role": role}):
        return
    literal = password.replace("'", "''")
    create = f"CREATE ROLE {user} LOGIN PASSWORD '{literal}'"
    connection.execute(text(create.replace(":", r"\:")))  # no colon begins a parameter here


_CLOCK = r"""
CREATE OR REPLACE FUNCTION app_now() RETURNS timestamptz LANGUAGE sql STABLE AS
$$
  SELECT now() + coalesce(
    nullif(current_setting('wishtree.clock_offset', true), '')\:\:interval, interval '0'
  )
$$
"""
