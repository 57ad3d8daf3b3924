"""Calendar months as pages offer them, written YYYY-MM."""

from calendar import monthrange
from datetime import date, datetime

from shared.core.clock import SITE

OFFERED = 24


def recent_months() -> list[str]:
    """This month at the site and those before it, newest first, for two years."""
    return months_until(datetime.now(SITE).date(), OFFERED)


def months_until(today: date, count: int) -> list[str]:
    """The month of `today` and those before it, newest first."""
    newest = today.year * 12 + today.month - 1
    return [
        f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(newest, newest - count, -1)
    ]


def days_of(month: str) -> tuple[str, str]:
    """The first and the last day of a month."""
    year, number = (int(part) for part in month.split("-"))
    return f"{month}-01", f"{month}-{monthrange(year, number)[1]:02d}"
