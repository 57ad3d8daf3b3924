"""What tests use: a private database, all four services in one process, and tokens for people.

`District.deliver_all()` carries events from each outbox to each inbox without a broker, as often
and in whatever order a test likes; `tests/broker` uses the real one.
"""

import base64
import json
import os
import random
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypedDict
from uuid import UUID

from flask.testing import FlaskClient
from joserfc.jwk import ECKey
from sqlalchemy import Connection, Engine, NullPool, create_engine, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from console.services import create_api, definition_of
from devkit.local.binaries import installed_or_wheel_postgres
from devkit.local.servers import PostgresServer
from shared import SERVICES
from shared.auth.principal import Role
from shared.auth.tokens import sign_token
from shared.contracts.base import catalogue
from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.core.json import JsonObject
from shared.core.settings import Settings
from shared.db.engine import transaction, using
from shared.messaging.envelope import Envelope
from shared.messaging.inbox import Delivery, Inbox
from shared.messaging.outbox import ENVELOPE_COLUMNS, OutboxRow
from shared.service.audit import AuditResult
from shared.service.audit_runs import begin_run
from shared.service.auditing import run as run_audit
from shared.service.migrate import migrate
from shared.service.web import ServiceApp


@dataclass(slots=True)
class PrivatePostgres:
    """A server with a superuser URL.

    `WISHTREE_TEST_POSTGRES_URL` names one to use instead of a private one.
    """

    superuser_url: str
    server: PostgresServer | None = None  #: ours to kill; None when another's is used

    def create_database(self) -> tuple[str, str]:
        """Make an empty database; returns (owner URL, its name).

        The owner may create roles, and is no superuser.
        """
        name = f"wishtree_test_{secrets.token_hex(4)}"
        owner = f"{name}_owner"
        self._execute(
            f"CREATE ROLE {owner} LOGIN CREATEROLE PASSWORD 'owner'",
            f"CREATE DATABASE {name} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8'",
        )
        url = make_url(self.superuser_url).set(username=owner, password="owner", database=name)
        return url.render_as_string(hide_password=False), name

    def drop_database(self, name: str) -> None:
        """Drop it, and the roles that were made for it."""
        roles = [*(f"{name}_{service}" for service in SERVICES), f"{name}_owner"]
        self._execute(
            f"DROP DATABASE IF EXISTS {name} WITH (FORCE)",
            *(f"DROP ROLE IF EXISTS {role}" for role in roles),
        )

    def _execute(self, *statements: str) -> None:
        engine = create_engine(psycopg_url(self.superuser_url), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()


def psycopg_url(url: str) -> str:
    """The form that SQLAlchemy takes."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


@contextmanager
def private_postgres() -> Iterator[PrivatePostgres]:
    """Run a PostgreSQL of our own on a free loopback port."""
    given = os.environ.get("WISHTREE_TEST_POSTGRES_URL")
    if given:
        yield PrivatePostgres(given)
        return
    folder = Path(tempfile.mkdtemp(prefix="wishtree-pg-"))
    server = PostgresServer(folder / "postgres", installed_or_wheel_postgres(), fsync=False)
    server.start()
    try:
        yield PrivatePostgres(server.url(), server)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def environment(owner_url: str, name: str, **more: str) -> dict[str, str]:
    """The environment variables of a process of ours that uses one test database."""
    found = {
        "WISHTREE_OWNER_DATABASE_URL": owner_url,
        "WISHTREE_SIGNING_KEY": ECKey.generate_key("P-256").as_pem(private=True).decode(),
        "WISHTREE_DATA_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "WISHTREE_TESTING": "true",
        "WISHTREE_WEBHOOK_TEST_NETWORKS": "127.0.0.0/8",
        "WISHTREE_BROKER_URL": "memory://",
        "WISHTREE_LOG_LEVEL": "WARNING",
        "WISHTREE_PAGE_SECONDS": "10",  # tests share the machine
    }
    for service in SERVICES:
        prefix = f"WISHTREE_{service.upper()}_"
        url = make_url(owner_url).set(username=f"{name}_{service}", password="app")
        found[prefix + "DATABASE_URL"] = url.render_as_string(hide_password=False)
        found[prefix + "CLIENT_SECRET"] = secrets.token_urlsafe(24)
    return found | more


class Published(TypedDict):
    """An event in the outbox, as tests read it."""

    type: str
    subject: str
    data: JsonObject
    id: UUID


class Member:
    """One service under test: its app, its database, its inbox."""

    def __init__(self, service: str) -> None:
        self.service = service
        definition = definition_of(service)
        self.app: ServiceApp = create_api(service)
        self.settings = self.app.settings
        self.database = self.app.database
        self.inbox: Inbox = definition.inbox(self.database)
        self.client: FlaskClient = self.app.test_client()

    def call(
        self, method: str, path: str, body: Any = None, *, as_: str | None = None, **options: Any
    ) -> TestResponse:
        """Send a request; `as_` is a bearer token from `District.token`."""
        headers = dict(options.pop("headers", {}))
        if as_ is not None:
            headers["Authorization"] = f"Bearer {as_}"
        if body is not None:
            options["json"] = body
        # A client of its own, so that threads may call at the same time.
        return self.app.test_client().open(path, method=method, headers=headers, **options)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction in this service's schema, committed at the end."""
        with using(self.database), transaction() as session:
            yield session

    def published(self, type_: str | None = None) -> list[Published]:
        """What is in the outbox, oldest first, as {type, subject, data, id}."""
        with self.session() as session:
            rows = session.scalars(select(OutboxRow).order_by(OutboxRow.sequence)).all()
        return [
            {"type": row.type, "subject": row.subject, "data": json.loads(row.data), "id": row.id}
            for row in rows
            if type_ in (None, row.type)
        ]

    def receive(self, *deliveries: Delivery) -> None:
        """Hand messages to the inbox, as the broker would."""
        self.inbox.receive(deliveries)

    # The older names, until every test uses the new ones.


class Message(NamedTuple):
    """An event on its way from an outbox to the inboxes."""

    type: str
    version: int
    body: bytes

    def is_for(self, service: str) -> bool:
        return service in catalogue()[self.type, self.version].handled_by


class District:
    """All four services over one database, in this process."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env
        os.environ.update(env)
        self.settings = Settings.read()
        self.services = {service: Member(service) for service in SERVICES}
        self.registration, self.wishes, self.rewards, self.notify = (
            self.services[s] for s in SERVICES
        )
        self._row_query: str | None = None

    def token(
        self,
        role: Role | str,
        subject: UUID | str | None = None,
        organisation: UUID | None = None,
        scopes: str = "",
    ) -> str:
        """An access token, as registration would sign it."""
        return sign_token(
            self.settings,
            role=Role(role),
            subject=subject or new_id(),
            organisation_id=organisation,
            scopes=frozenset(scopes.split()),
        )

    def deliver_all(self, times: int = 1, seed: int | None = None, rounds: int = 10) -> int:
        """Carry every event to all that handle it, until no outbox has one. Returns how many.

        `times` delivers each that often; `seed` shuffles. Raises AssertionError if the services
        still publish after `rounds`.
        """
        carried = 0
        for _ in range(rounds):
            messages = [
                message for member in self.services.values() for message in take_outbox(member)
            ]
            if not messages:
                return carried
            carried += len(messages)
            for member in self.services.values():
                _deliver(member, messages, times, seed)
        raise AssertionError("The services do not stop publishing.")

    def audit(self, service: str) -> AuditResult:
        """Compare what a service copied with what the others have, and keep what was found."""
        member = self.services[service]
        with using(member.database):
            with transaction() as session:
                run_id = begin_run(session, "test")
            return run_audit(service, definition_of(service).checks, self, run_id)

    def read(self, source: str, kind: str, after: UUID, limit: int) -> bytes:
        """Read a page of evidence, as an audit does over HTTP."""
        token = self.token("system", "service-test", scopes="evidence:read")
        path = f"/v1/evidence/{source}/{kind}?after={after}&limit={limit}"
        response = self.services[source].call("GET", path, as_=token)
        if response.status_code != 200:
            raise AssertionError(response.get_data(as_text=True))
        return response.data

    def close(self) -> None:
        """Close the connections to the database."""
        for member in self.services.values():
            member.database.engine.dispose()

    def clear(self) -> None:
        """Empty every table of every service.

        Only tables that have rows are truncated: truncating all takes half a second.
        """
        with self._owner.begin() as connection:
            full = connection.execute(text(self._tables_with_rows(connection))).scalars().all()
            if full:
                connection.execute(text(f"TRUNCATE {', '.join(full)} RESTART IDENTITY CASCADE"))
        for member in self.services.values():
            member.app.verifier._denied_until = 0.0

    @cached_property
    def _owner(self) -> Engine:
        """No connection is kept, so that the database can be dropped."""
        return create_engine(
            psycopg_url(self.env["WISHTREE_OWNER_DATABASE_URL"]), poolclass=NullPool
        )

    def _tables_with_rows(self, connection: Connection) -> str:
        """SQL for the names of all tables that have a row; made once, since migrations are over."""
        if self._row_query is None:
            tables = connection.execute(_TABLES, {"services": list(SERVICES)}).scalars()
            self._row_query = " UNION ALL ".join(
                f"SELECT '{t}' WHERE EXISTS (SELECT FROM {t})" for t in tables
            )
        return self._row_query


_TABLES = text(
    "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables"
    " WHERE schemaname = ANY(:services) AND tablename NOT LIKE 'alembic%'"
    " AND tablename <> 'installation_epoch'"
)


def take_outbox(member: Member) -> list[Message]:
    """Take what waits in an outbox, as the relay would."""
    waiting = select(*ENVELOPE_COLUMNS).where(OutboxRow.published_at.is_(None))
    with member.session() as session:
        rows = session.execute(waiting.order_by(OutboxRow.sequence)).all()
        taken = OutboxRow.id.in_([row.id for row in rows])
        session.execute(update(OutboxRow).where(taken).values(published_at=app_now()))
        return [
            Message(row.type, row.version, Envelope.of(member.service, row).to_bytes())
            for row in rows
        ]


def _deliver(member: Member, messages: list[Message], times: int, seed: int | None) -> None:
    """Deliver to one service in two batches, so that a repetition meets a committed first time."""
    deliveries = [Delivery(message.body) for message in messages if message.is_for(member.service)]
    repeated = deliveries * times
    if seed is not None:
        random.Random(seed).shuffle(repeated)
    half = len(repeated) // 2
    for batch in (repeated[:half], repeated[half:]):
        member.inbox.receive(batch)


def migrate_all(env: dict[str, str]) -> None:
    os.environ.update(env)
    for service in SERVICES:
        migrate(definition_of(service), Settings.read())
