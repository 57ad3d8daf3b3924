"""Migrations, run by the owner role.

A schema has two Alembic histories, each with its own version table: `plumbing` makes the tables
that every service has, the other makes the service's own. The application role is created here if
it is missing, and gets the password of its URL and the session settings that a pooler would drop.
It cannot change the schema, and cannot UPDATE or DELETE in a table that a migration has declared
`append_only`.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from shared.core.logs import get_logger
from shared.core.settings import Settings, SettingsError, missing
from shared.db import migrations
from shared.db.limits import role_settings, search_path_of
from shared.service import feed_api
from shared.service.definition import ServiceDefinition

log = get_logger(__name__)

SCRIPTS = Path(migrations.__file__).parent
PLUMBING = SCRIPTS / "plumbing"
EXTENSIONS = ("btree_gist", "pg_trgm")
GRANTS = ("SELECT, INSERT, UPDATE, DELETE ON TABLES", "USAGE, SELECT ON SEQUENCES")


def migrate(definition: ServiceDefinition, settings: Settings, revision: str = "head") -> None:
    """Bring the plumbing to its newest revision and the service's own tables to `revision`.

    All of it in one transaction, so it may go through a pooler. Repeating it changes nothing.
    Raises SettingsError if the tables would go into another schema.
    """
    engine = owner_engine(settings, definition.name)
    try:
        with engine.begin() as connection:
            make_schema(connection, definition, settings, "head", revision)
    finally:
        engine.dispose()


def make_schema(
    connection: Connection,
    definition: ServiceDefinition,
    settings: Settings,
    plumbing: str,
    revision: str,
) -> None:
    """Bring both histories of a schema to these revisions, in the caller's transaction.

    Its limits and search path hold for the rest of that transaction. Raises SettingsError.
    """
    service = definition.name
    application = make_url(settings.database_url_of(service))
    role = str(application.username)
    _begin(connection)
    _create_schema(connection, service)
    _prepare(connection, service, role)
    _set_up_role(connection, service, application, settings.shares_its_role(service))
    _upgrade(connection, PLUMBING, "alembic_plumbing", role, plumbing)
    _upgrade(connection, definition.migrations, f"alembic_{service}", role, revision)
    _after_a_restore(connection)


def is_known(versions: Path, revision: str) -> bool:
    """Tell whether this version of the code can bring a history to a revision."""
    scripts = ScriptDirectory(str(SCRIPTS), version_locations=[str(versions)])
    try:
        return scripts.get_revision(revision) is not None
    except CommandError:
        return False


def owner_engine(settings: Settings, service: str) -> Engine:
    """Connects as the owner, also through a pooler."""
    url = owner_url(settings, service)
    return create_engine(url, poolclass=NullPool, connect_args={"prepare_threshold": None})


def owner_url(settings: Settings, service: str) -> URL:
    """Where the owner of a schema logs in. What its URL leaves out is as in the application's."""
    application = make_url(settings.database_url_of(service))
    given = settings.owner_database_url or missing(
        "owner_database_url", "the URL of the role that owns the schemas"
    )
    url = make_url(given).set(drivername="postgresql+psycopg")
    if url.host is None:
        url = url.set(host=application.host, port=application.port)
    return url.set(
        database=url.database or application.database, query=url.query or application.query
    )


def _begin(connection: Connection) -> None:
    """Set the limits of this transaction, then wait until no other migration runs."""
    # A migration that cannot get a lock fails soon, instead of holding up every request behind it.
    connection.execute(text("SET LOCAL lock_timeout = '5s'"))
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('wishtree.migrate'))"))


def _create_schema(connection: Connection, service: str) -> None:
    """Create the service's schema, and tables in it from here on. Raises SettingsError."""
    schema = connection.dialect.identifier_preparer.quote(service)
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
    connection.execute(text(f"SET LOCAL search_path = {search_path_of(service)}"))
    _check_schema(connection, service)


def _check_schema(connection: Connection, service: str) -> None:
    """Raise SettingsError unless tables are created in the service's own schema."""
    schema, owner = connection.execute(text("SELECT current_schema(), current_user")).one()
    if schema != service:
        raise SettingsError(
            f"The tables of {service} would go into the schema {schema}: role {owner} may not use"
            f" the schema {service}, or a pooler dropped the search path."
            " Check WISHTREE_OWNER_DATABASE_URL and who owns the schema."
        )


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


def _prepare(connection: Connection, service: str, role: str) -> None:
    """Create what migrations need: application role, extensions and clock."""
    quote = connection.dialect.identifier_preparer.quote
    schema, user = quote(service), quote(role)
    known = text("SELECT 1 FROM pg_roles WHERE rolname = :role")
    if not connection.scalar(known, {"role": role}):
        connection.execute(text(f"CREATE ROLE {user} LOGIN"))
    for extension in EXTENSIONS:
        connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {extension} SCHEMA public"))
    connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {user}"))
    for what in GRANTS:
        default = f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {what} TO {user}"
        connection.execute(text(default))
    connection.execute(text(_CLOCK))


def _set_up_role(
    connection: Connection, service: str, application: URL, shares_its_role: bool
) -> None:
    """Give the application role its URL's password, and session settings that outlive a pooler."""
    quote = connection.dialect.identifier_preparer.quote
    user = quote(str(application.username))
    database = quote(connection.scalar(text("SELECT current_database()")))
    if application.password:
        verifier = _verifier(connection, application)
        _alter(connection, f"ALTER ROLE {user} PASSWORD '{verifier}'")
    for name, value in role_settings(service, shares_its_role).items():
        # A list of schemas is no string in quotes.
        literal = value if name == "search_path" else f"'{value}'"
        _alter(connection, f"ALTER ROLE {user} IN DATABASE {database} SET {name} = {literal}")


def _verifier(connection: Connection, application: URL) -> str:
    """What PostgreSQL stores of a password. The password itself might get into its log."""
    pgconn = connection.connection.driver_connection.pgconn  # type: ignore[union-attr]
    password, user = str(application.password), str(application.username)
    verifier: bytes = pgconn.encrypt_password(password.encode(), user.encode(), b"scram-sha-256")
    return verifier.decode()


def _alter(connection: Connection, statement: str) -> None:
    """Change a role, or log that the owner may not: somebody else made it then, and keeps it."""
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(statement)
    except ProgrammingError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        log.warning("the owner may not change the application role", what=_what(statement))


def _what(statement: str) -> str:
    """A statement without its password."""
    return statement.partition(" PASSWORD ")[0]


_CLOCK = r"""
CREATE OR REPLACE FUNCTION app_now() RETURNS timestamptz LANGUAGE sql STABLE AS
$$
  SELECT now() + coalesce(
    nullif(current_setting('wishtree.clock_offset', true), '')\:\:interval, interval '0'
  )
$$
"""
