"""One database per service (a schema of one PostgreSQL, or one of its own), and the one way to a transaction.

The current service's database is a context variable: the web app, the bus and the Celery task base set it with
`using()`, and `transaction()` finds it there, so that a verb never needs to know where it runs.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from enum import Enum
from typing import Any, ClassVar, cast
from uuid import UUID

import psycopg
from sqlalchemy import CursorResult, DateTime, MetaData, Result, create_engine, literal_column
from sqlalchemy import Enum as EnumColumn
from sqlalchemy.dialects.postgresql import JSONB, Insert
from sqlalchemy.exc import DBAPIError, TimeoutError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import BigInteger, Date, Text, UserDefinedType, Uuid

from shared.settings import Settings

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Xid8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


class Conventions:
    """What the `Base` of every service shares: names of constraints and how Python types are stored."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        int: BigInteger(),
        UUID: Uuid(),
        datetime: DateTime(timezone=True),
        date: Date(),
        dict[str, Any]: JSONB(),
        list[str]: JSONB(),
        Enum: EnumColumn(
            Enum, native_enum=False, create_constraint=False, length=40, values_callable=lambda e: [m.value for m in e]
        ),
    }


def conventional_metadata() -> MetaData:
    return MetaData(naming_convention=NAMES)


class Plumbing(Conventions, DeclarativeBase):
    """Tables that every service has in its own schema: outbox, inbox, attempts, dead letters, keys, cursors."""

    metadata = conventional_metadata()


NOTICE_A_DEAD_HOST = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 40_000,
}
"""A database host that vanishes without a word ends a wait within a minute, not after the system's two hours."""


class Database:
    """Engine and sessions of one service's schema."""

    def __init__(self, service: str, settings: Settings) -> None:
        self.service = service
        self.settings = settings
        self.engine = create_engine(
            settings.database_url_of(service).replace("postgresql://", "postgresql+psycopg://", 1),
            pool_size=settings.database_pool_size,
            max_overflow=0,
            hide_parameters=True,  # they may be personal, and errors are logged
            pool_timeout=2,  # a full pool answers 503 with Retry-After instead of queueing for half a minute
            connect_args={"options": _options(service, settings), "connect_timeout": 3, **NOTICE_A_DEAD_HOST},
        )
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    def session(self) -> Session:
        return self._sessions()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Begin, and commit at the end or roll back on any exception. Then run what `after_commit` collected."""
        with self._sessions() as session:
            with session.begin():
                yield session
            for callback in session.info.pop("after_commit", ()):
                callback()


def _options(service: str, settings: Settings) -> str:
    """Session settings, sent with the connection so that no extra round trip is needed.

    Behind a pooler that drops them, give each service its own role: `wishtree migrate` sets them on the role as well.
    """
    options = {
        "search_path": f"{service},public",
        "timezone": "UTC",
        "statement_timeout": "30s",
        "idle_in_transaction_session_timeout": "60s",
        "jit": "off",  # short statements: compiling them costs more than running them
    }
    if settings.clock_offset_seconds:
        options["wishtree.clock_offset"] = f"{settings.clock_offset_seconds}s"
    return " ".join(f"-c{name}={value}" for name, value in options.items())


_current: ContextVar[Database] = ContextVar("database")
_joined: ContextVar[Session | None] = ContextVar("joined_session", default=None)


@contextmanager
def using(database: Database) -> Iterator[None]:
    """Make this the database of whatever runs inside."""
    token = _current.set(database)
    try:
        yield
    finally:
        _current.reset(token)


def current_database() -> Database:
    return _current.get()


@contextmanager
def transaction() -> Iterator[Session]:
    """The transaction of the current service; inside `joinable_transaction` it joins that one."""
    joined = _joined.get()
    if joined is not None:
        yield joined
        return
    with current_database().transaction() as session:
        yield session


@contextmanager
def joinable_transaction() -> Iterator[Session]:
    """A transaction that `transaction()` calls inside it take part in; the outermost commits."""
    with current_database().transaction() as session:
        token = _joined.set(session)
        try:
            yield session
        finally:
            _joined.reset(token)


def after_commit(session: Session, callback: Callable[[], None]) -> None:
    """Run `callback` once the transaction has committed. It must not matter if it never runs."""
    session.info.setdefault("after_commit", []).append(callback)


def changed(result: Result[Any]) -> int:
    """How many rows an UPDATE or DELETE touched. An INSERT of the ORM does not count: use RETURNING there."""
    count = cast(CursorResult[Any], result).rowcount
    if count < 0:
        raise ValueError("This statement does not count its rows; use RETURNING.")
    return count


def inserted(session: Session, statement: Insert) -> bool:
    """Run an INSERT ... ON CONFLICT DO NOTHING of one row; says whether it was new."""
    return session.execute(statement.returning(literal_column("1"))).first() is not None


RETRYABLE = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.QueryCanceled,
)


def is_database_away(error: BaseException) -> bool:
    """The connection failed, the pool is empty, or the server is starting or stopping: nobody's fault, try again."""
    if isinstance(error, TimeoutError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if not isinstance(error, DBAPIError) or not isinstance(error.orig, psycopg.Error):
        return False
    # Class 57P: shutdown and start-up; 08: connection; 53: out of memory, disk or connections; 25P03: idle too long.
    state = error.orig.sqlstate
    if state is None:  # not from the server: the connection itself, unless the statement could not be made
        return isinstance(error.orig, psycopg.OperationalError | psycopg.InterfaceError)
    return state.startswith(("57P", "08", "53", "25P03"))


def is_contention(error: BaseException) -> bool:
    """Two transactions got in each other's way (deadlock, lock or serialization): try again, count nothing."""
    return isinstance(error, DBAPIError) and isinstance(error.orig, RETRYABLE)
