"""Which database errors are nobody's fault, and which constraint refused a row."""

import psycopg
from sqlalchemy.exc import DBAPIError, TimeoutError

RETRYABLE = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.QueryCanceled,
)


def is_database_away(error: BaseException) -> bool:
    """The connection failed, the pool is empty, or the server is starting or stopping: nobody's
    fault, try again.
    """
    if isinstance(error, TimeoutError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if not isinstance(error, DBAPIError) or not isinstance(error.orig, psycopg.Error):
        return False
    # Class 57P: shutdown and start-up; 08: connection; 53: out of memory, disk or connections;
    # 25P03: idle too long.
    state = error.orig.sqlstate
    if (
        state is None
    ):  # not from the server: the connection itself, unless the statement could not be made
        return isinstance(error.orig, psycopg.OperationalError | psycopg.InterfaceError)
    return state.startswith(("57P", "08", "53", "25P03"))


def is_contention(error: BaseException) -> bool:
    """Two transactions got in each other's way (deadlock, lock or serialization): try again, count
    nothing.
    """
    return isinstance(error, DBAPIError) and isinstance(error.orig, RETRYABLE)
