"""What a database error means: try again or not, and which constraint refused a row."""

import psycopg
from sqlalchemy.exc import DBAPIError, TimeoutError

RETRYABLE = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.LockNotAvailable,
)
AWAY = (
    "57P",  # the server stops or starts
    "08",  # connection
    "53",  # out of memory, disk or connections
    "25P03",  # the transaction was idle too long
)
"""SQLSTATEs, or their beginnings: https://www.postgresql.org/docs/current/errcodes-appendix.html"""


def is_passing(error: BaseException) -> bool:
    """Tell whether the database is away or busy, so that the statement can be tried again."""
    return is_database_away(error) or is_contention(error)


def is_database_away(error: BaseException) -> bool:
    """Tell whether the connection failed, the pool is empty, or the server starts or stops."""
    if isinstance(error, TimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or _is_away(error.orig)


def _is_away(error: BaseException | None) -> bool:
    if not isinstance(error, psycopg.Error):
        return False
    if error.sqlstate is not None:
        return error.sqlstate.startswith(AWAY)
    # Without a code it comes from the client: the connection, or a statement that cannot be built.
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def took_too_long(error: BaseException) -> bool:
    """Tell whether a statement was ended by its time limit.

    Waiting for a lock has a shorter limit of its own, so this is the statement's own work, or a
    server that is too busy for it. Trying again may take as long, so let it have an end.
    """
    return isinstance(error, DBAPIError) and isinstance(error.orig, psycopg.errors.QueryCanceled)


def is_contention(error: BaseException) -> bool:
    """Tell whether two transactions got in each other's way: deadlock, lock, serialization."""
    return isinstance(error, DBAPIError) and isinstance(error.orig, RETRYABLE)


def first_line(error: BaseException) -> str:
    """What went wrong, in one line.

    A statement and its parameters are in later lines; they may be personal.
    """
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0]


def constraint_of(error: DBAPIError) -> str | None:
    """The name of the constraint that refused a row, if one did."""
    return error.orig.diag.constraint_name if isinstance(error.orig, psycopg.Error) else None
