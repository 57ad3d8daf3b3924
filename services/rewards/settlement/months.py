"""A calendar month at the site: venues and the centre settle by it."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.core.clock import SITE, app_now
from shared.core.problems import invalid

_WRITTEN = re.compile(r"(20\d\d|21\d\d)-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month by the calendar at the site. Its text is YYYY-MM."""

    first: date

    @classmethod
    def parse(cls, written: str) -> "Month":
        """Read YYYY-MM, from 2000 to 2199. Raises Unprocessable."""
        found = _WRITTEN.fullmatch(written)
        if found is None:
            raise invalid("/month", "should be a month such as 2026-11")
        return cls(date(int(found[1]), int(found[2]), 1))

    @classmethod
    def of(cls, day: date) -> "Month":
        """Return the month of a day."""
        return cls(day.replace(day=1))

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"

    def __contains__(self, day: date) -> bool:
        return Month.of(day) == self

    @property
    def next(self) -> "Month":
        year, month = divmod(self.first.month, 12)
        return Month(date(self.first.year + year, month + 1, 1))

    @property
    def before(self) -> "Month":
        year, month = divmod(self.first.month - 2, 12)
        return Month(date(self.first.year + year, month + 1, 1))

    @property
    def since(self) -> datetime:
        """The first instant of the month."""
        return datetime.combine(self.first, time(), SITE)

    @property
    def until(self) -> datetime:
        """The first instant after the month."""
        return self.next.since

    def is_over(self, session: Session) -> bool:
        """Tell whether the month has ended by the database's clock."""
        return bool(session.scalar(select(app_now() >= self.until)))


def site_day(moment: datetime) -> date:
    """Return the calendar day at the site."""
    return moment.astimezone(SITE).date()
