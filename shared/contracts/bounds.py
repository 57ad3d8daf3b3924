"""Bounds of the fields of events: what no honest event exceeds.

A message outside of them is refused before anything is done with it, so that no number in a message
decides how much work or memory it costs. The APIs refuse earlier, with 422, what these refuse.
"""

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

LONGEST_MINUTES = 24 * 60  #: of one record
MOST_POINTS = 1_000_000  #: of one price, one stock warning, one rule
MOST_IN_ALL = 10**12  #: of sums: points, fen, vouchers, transfers
LAST_SEQUENCE = 2**63 - 1  #: a bigint of PostgreSQL
FIRST_YEAR = 1990  #: the oldest records of volunteering
YEARS_AHEAD, YEARS_OF_VALIDITY = 10, 25

WITHOUT_NUL = r"^[^\x00]*$"
"""What a text column of PostgreSQL can hold."""


def is_near(value: date, years_ahead: int = YEARS_AHEAD) -> bool:
    """Tell whether a day or an instant lies in years that events speak of."""
    return FIRST_YEAR <= value.year <= datetime.now(UTC).year + years_ahead


def _near_day(value: date) -> date:
    if not is_near(value):
        raise ValueError(f"year must lie between {FIRST_YEAR} and {YEARS_AHEAD} years from now")
    return value


def _near(value: datetime) -> datetime:
    _near_day(value)
    return value


def _near_end(value: datetime) -> datetime:
    if not is_near(value, YEARS_OF_VALIDITY):
        raise ValueError(
            f"year must lie between {FIRST_YEAR} and {YEARS_OF_VALIDITY} years from now"
        )
    return value


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
Instant = Annotated[AwareDatetime, AfterValidator(_near)]
"""When something happened or begins; without a zone it is refused."""
Deadline = Annotated[AwareDatetime, AfterValidator(_near_end)]
"""When something ends."""
Day = Annotated[date, AfterValidator(_near_day)]
