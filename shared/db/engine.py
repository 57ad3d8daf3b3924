"""One database per service (a schema of one PostgreSQL, or one of its own), and transactions.

The current service's database is a context variable. The web app, the bus and the base of Celery
tasks set it with `using()`; `transaction()` finds it there. So a verb need not know where it runs.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.orm import Session, sessionmaker

from shared.core.settings import Settings
from shared.db.connection import GRACE_SECONDS, PatientConnection
from shared.db.limits import (
    JOBS,
    Limits,
    SessionSettings,
    missing_settings,
    session_settings,
)

NOTICE_A_DEAD_HOST = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""A wait for a host that vanished ends within half a minute. The system's default is two hours."""


class Database:
    """Engine and sessions of one service's schema, with the limits of one kind of process."""

    def __init__(self, service: str, settings: Settings, limits: Limits = JOBS) -> None:
        self.service = service
        self.settings = settings
        self.engine = create_engine(
            settings.database_url_of(service).replace("postgresql://", "postgresql+psycopg://", 1),
            pool_size=settings.database_pool_size,
            max_overflow=0,
            hide_parameters=True,  # they may be personal, and errors are logged
            pool_timeout=2,  # a full pool gives 503 with Retry-After; the default waits 30 s
            connect_args={
                "connect_timeout": 3,
                "prepare_threshold": settings.database_prepare_threshold,
                **NOTICE_A_DEAD_HOST,
                **_start_up_options(service, settings, limits),
            },
        )
        _wait_for_answers(self.engine, limits.statement_seconds + GRACE_SECONDS)
        if settings.database_pooler:
            _set_locally(self.engine, missing_settings(service, settings, limits))
        # Neither `synchronize_session=False` nor `populate_existing=True` is set here for all
        # statements. Some verbs read an object after their UPDATE of its row, with expire_on_commit
        # off: the first would leave it stale. The second would change objects that a verb still
        # compares with, and `Session.get` does not heed it. Each statement says what it needs.
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    def session(self) -> Session:
        return self._sessions()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Begin, and commit at the end or roll back on any exception.

        After a commit, run the callbacks of `after_commit`.
        """
        with self._sessions() as session:
            with session.begin():
                yield session
            for callback in session.info.pop("after_commit", ()):
                callback()


def _start_up_options(service: str, settings: Settings, limits: Limits) -> dict[str, str]:
    """Settings of the database session, sent with the connection: no further round trip."""
    if settings.database_pooler:
        return {}
    wanted = session_settings(service, settings, limits)
    return {"options": " ".join(f"-c{name}={value}" for name, value in wanted.items())}


def _wait_for_answers(engine: Engine, seconds: float) -> None:
    """Let every wait for the server end after some seconds."""

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, args: Any, options: Any) -> PatientConnection:
        connection = PatientConnection.connect(*args, **options)
        connection.answer_seconds = seconds
        return connection

    @event.listens_for(engine, "checkin")
    def forget_more_time(connection: PatientConnection | None, _record: Any) -> None:
        if connection is not None:
            connection.answer_seconds = seconds
            connection.answer_by = None


def _set_locally(engine: Engine, wanted: SessionSettings) -> None:
    """Send settings with each transaction: one more round trip, behind a pooler only."""
    if not wanted:
        return
    statement = select(*(func.set_config(name, value, True) for name, value in wanted.items()))

    @event.listens_for(engine, "begin")
    def set_locally(connection: Connection) -> None:
        connection.execute(statement)


_current: ContextVar[Database] = ContextVar("database")
_joined: ContextVar[Session | None] = ContextVar("joined_session", default=None)


@contextmanager
def using(database: Database) -> Iterator[None]:
    """Make this the database of the code inside."""
    token = _current.set(database)
    try:
        yield
    finally:
        _current.reset(token)


def current_database() -> Database:
    return _current.get()


@contextmanager
def transaction() -> Iterator[Session]:
    """A transaction of the current service, or the surrounding `joinable_transaction`."""
    joined = _joined.get()
    if joined is not None:
        yield joined
        return
    with current_database().transaction() as session:
        yield session


@contextmanager
def joinable_transaction() -> Iterator[Session]:
    """A transaction that every `transaction()` inside it joins. The outermost commits."""
    with current_database().transaction() as session:
        token = _joined.set(session)
        try:
            yield session
        finally:
            _joined.reset(token)


def after_commit(session: Session, callback: Callable[[], None]) -> None:
    """Run `callback` after the commit. A crash may prevent it, so nothing may depend on it."""
    session.info.setdefault("after_commit", []).append(callback)


def allow_time(session: Session, seconds: int) -> None:
    """Let the statements of this transaction take longer, or less long, than this process's."""
    connection = session.connection()
    answering = connection.connection.driver_connection
    if isinstance(answering, PatientConnection):
        answering.answer_seconds = seconds + GRACE_SECONDS
    connection.execute(select(func.set_config("statement_timeout", f"{seconds}s", True)))


def allow_time_in_all(session: Session, seconds: int) -> None:
    """Let all that follows in this transaction take no longer, give or take the grace of one."""
    answering = session.connection().connection.driver_connection
    if isinstance(answering, PatientConnection):
        answering.answer_by = time.monotonic() + seconds + GRACE_SECONDS
    allow_time(session, seconds)
