"""The clock: SQL `app_now()` for everything that the database decides, `now()` for the rest.

Rules use `app_now()`, so that a replica with a wrong clock decides nothing. Tests move it by
`WISHTREE_CLOCK_OFFSET_SECONDS`, which goes to the database with each connection.
"""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Cast, Date, DateTime, cast, func
from sqlalchemy.sql.functions import Function

SITE = ZoneInfo("Asia/Shanghai")
"""Where the centre is: calendar days are days there. Storage is UTC."""


def now() -> datetime:
    """The current instant by this process's clock, in UTC."""
    return datetime.now(UTC)


def app_now() -> Function[datetime]:
    """SQL: the start of the transaction, as `now()`."""
    return func.app_now(type_=DateTime(timezone=True))


def site_today() -> Cast[date]:
    """SQL: the calendar day at the site."""
    return cast(func.timezone("Asia/Shanghai", app_now()), Date())
