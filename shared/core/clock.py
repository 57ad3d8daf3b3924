"""One clock: SQL `app_now()` for everything the database decides, and its Python twin `now()`.

Tests move both by `WISHTREE_CLOCK_OFFSET_SECONDS`; the database gets the same offset with each
connection. Business rules use `app_now()`, so that a replica with a wrong clock decides nothing.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Cast, Date, DateTime, cast, func
from sqlalchemy.sql.functions import Function

SITE = ZoneInfo("Asia/Shanghai")
"""Where the centre is: calendar days are days there. Storage is UTC."""

_offset = timedelta()


def now() -> datetime:
    """The current instant, in UTC."""
    return datetime.now(UTC) + _offset


def app_now() -> Function[datetime]:
    """The database's current instant: the start of the transaction, as SQL `now()`."""
    return func.app_now(type_=DateTime(timezone=True))


def set_offset(seconds: float) -> None:
    """Move the Python clock (tests only; `Database` moves the database's)."""
    global _offset  # noqa: PLW0603 - one clock for the process is the point
    _offset = timedelta(seconds=seconds)


def site_today() -> Cast[date]:
    """SQL: the calendar day at the site."""
    return cast(func.timezone("Asia/Shanghai", app_now()), Date())
