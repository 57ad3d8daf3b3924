"""Migrations: each service has its own Alembic history and version table in its own schema, run by the owner role.

The application role is created here if need be, and gets what it needs and no more: it cannot change the schema, and
cannot UPDATE or DELETE a table that a migration has declared `append_only`.
"""

import importlib
from pathlib import Path
from typing import Any

from alembic import command, op
from alembic.config import Config
from sqlalchemy import Connection, MetaData, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from shared.auth import withdrawn  # noqa: F401 - the tables of these modules belong to the plumbing
from shared.core.settings import Settings, missing
from shared.db.types import Plumbing
from shared.http import idempotency  # noqa: F401
from shared.jobs import periodic  # noqa: F401
from shared.messaging import attempts, inbox, outbox  # noqa: F401
from shared.service import catch_up, feed_api  # noqa: F401

ROOT = Path(__file__).parents[2]


def migrate(service: str, settings: Settings, revision: str = "head") -> None:
    """Bring one service's schema to `revision`. Repeating it changes nothing."""
    owner_url = settings.owner_database_url or missing(
        "owner_database_url", "the URL of the role that owns the schemas"
    )
    application = make_url(settings.database_url_of(service))
    url = make_url(owner_url).set(drivername="postgresql+psycopg", database=application.database,
                                  host=application.host, port=application.port)  # fmt: skip
    if application.query:
        url = url.set(query=application.query)
    engine = create_engine(url, connect_args={"options": f"-csearch_path={service},public -clock_timeout=5s"})
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('wishtree.migrate'))"))
            _prepare(connection, service, str(application.username), str(application.password or ""))
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent / "alembic"))
            config.set_main_option("version_locations", str(ROOT / "services" / service / "migrations"))
            config.set_main_option("path_separator", "os")
            config.attributes.update(connection=connection, service=service, role=str(application.username))
            command.upgrade(config, revision)
            with Session(connection) as session:
                feed_api.new_epoch(session)
                session.flush()
            if connection.scalar(text("SELECT to_regprocedure('after_restore()')")) is not None:
                connection.execute(text("SELECT after_restore()"))  # what a service itself orders by transaction ids
    finally:
        engine.dispose()


def _prepare(connection: Connection, service: str, role: str, password: str) -> None:
    """Schema, application role and clock. The role's settings matter behind a pooler that drops start-up options."""
    quote = connection.dialect.identifier_preparer.quote
    known = connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role})
    if not known:
        literal = password.replace("'", "''")
        connection.execute(text(f"CREATE ROLE {quote(role)} LOGIN PASSWORD '{literal}'".replace(":", r"\:")))
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {quote(service)}"))
    connection.execute(text("CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA public"))
    connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public"))
    connection.execute(text(f"GRANT USAGE ON SCHEMA {quote(service)} TO {quote(role)}"))
    for what in ("SELECT, INSERT, UPDATE, DELETE ON TABLES", "USAGE, SELECT ON SEQUENCES"):
        connection.execute(text(f"ALTER DEFAULT PRIVILEGES IN SCHEMA {quote(service)} GRANT {what} TO {quote(role)}"))
    connection.execute(text(_CLOCK))


_CLOCK = """
CREATE OR REPLACE FUNCTION app_now() RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT now() + coalesce(nullif(current_setting('wishtree.clock_offset', true), '')\\:\\:interval, interval '0') $$
"""


def create_plumbing() -> None:
    """For a service's first migration: the tables every service has.

    Created from the models as they are today; a later change to the plumbing is a migration in each service.
    """
    Plumbing.metadata.create_all(op.get_bind())
    for table in ("outbox", "inbox"):  # many short-lived index entries: vacuum early
        op.execute(f"ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0.02)")


def append_only(table: str) -> None:
    """Take UPDATE, DELETE and TRUNCATE on a table from the application role."""
    role = op.get_bind().dialect.identifier_preparer.quote(_role())
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}")


def _role() -> str:
    config = op.get_context().config
    if config is None:
        raise RuntimeError("only inside `wishtree migrate`")
    return str(config.attributes["role"])


def metadata_of(service: str) -> list[MetaData]:
    """What the models say: compared with the migrations by a test."""
    models: Any = importlib.import_module(f"services.{service}.models")
    return [models.Base.metadata, Plumbing.metadata]
