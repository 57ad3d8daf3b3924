"""One database per service (a schema of one PostgreSQL, or one of its own), and transactions.

The current service's database is a context variable. The web app, the bus and the base of Celery
tasks set it with `using()`; `transaction()` finds it there. So a verb need not know where it runs.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from shared.core.settings import Settings

NOTICE_A_DEAD_HOST = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 40_000,
}
"""A wait for a host that vanished ends within a minute. The system's default is two hours."""


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
            pool_timeout=2,  # a full pool gives 503 with Retry-After; the default waits 30 s
            connect_args={
                "options": _options(service, settings),
                "connect_timeout": 3,
                **NOTICE_A_DEAD_HOST,
            },
        )
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


def _options(service: str, settings: Settings) -> str:
    """Settings of the database session, sent with the connection: no further round trip.

    A pooler may drop them. Behind one, set them on each service's role (ALTER ROLE ... SET).
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
