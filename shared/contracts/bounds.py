"""Bounds of the fields of events: what no honest event exceeds.

A message outside of them is refused before anything is done with it, so that no number in a message
decides how much work or memory it costs. The APIs refuse earlier, with 422, what these refuse.
"""

from datetime import date, datetime
from typing import Annotated, TypeVar

from pydantic import AfterValidator, AwareDatetime, Field

from shared.core.clock import now

LONGEST_MINUTES = 24 * 60  #: of one record
MOST_POINTS = 1_000_000  #: of one price, one stock warning, one rule
MOST_IN_ALL = 10**12  #: of sums: points, fen, vouchers, transfers
LAST_SEQUENCE = 2**63 - 1  #: a bigint of PostgreSQL
FIRST_YEAR = 1990  #: the oldest records of volunteering
YEARS_AHEAD, YEARS_OF_VALIDITY = 10, 25

WITHOUT_NUL = r"^[^\x00]*$"
"""What a text column of PostgreSQL can hold."""


Moment = TypeVar("Moment", bound=date)


def near(value: Moment, years_ahead: int = YEARS_AHEAD) -> Moment:
    """Raise ValueError for a day or an instant in years that no event speaks of."""
    if not FIRST_YEAR <= value.year <= now().year + years_ahead:
        raise ValueError(f"year must lie between {FIRST_YEAR} and {years_ahead} years from now")
    return value


def _near_end(value: datetime) -> datetime:
    return near(value, YEARS_OF_VALIDITY)


Title = Annotated[str, Field(max_length=200, pattern=WITHOUT_NUL)]
"""A public title or name."""
Code = Annotated[str, Field(max_length=64, pattern=WITHOUT_NUL)]
"""A category, a cause, an id in words: short, and one of a few."""
Minutes = Annotated[int, Field(strict=True, ge=0, le=LONGEST_MINUTES)]
SomeMinutes = Annotated[int, Field(strict=True, ge=1, le=LONGEST_MINUTES)]
MinutesBefore = Annotated[int, Field(strict=True, ge=0, le=60 * LONGEST_MINUTES)]
"""Of a record from before records ended after a day."""
Points = Annotated[int, Field(strict=True, ge=0, le=MOST_POINTS)]
Total = Annotated[int, Field(strict=True, ge=0, le=MOST_IN_ALL)]
"""A sum, or a count of rows."""
Fence = Annotated[int, Field(strict=True, ge=0, le=LAST_SEQUENCE)]
Instant = Annotated[AwareDatetime, AfterValidator(near)]
"""When something happened or begins; without a zone it is refused."""
Deadline = Annotated[AwareDatetime, AfterValidator(_near_end)]
"""When something ends."""
Day = Annotated[date, AfterValidator(near)]
