"""Types of fields in requests: what PostgreSQL, a person and a calendar can hold.

Anything else is refused with 422, before it can become a 500.
"""

from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    model_validator,
)

from shared.contracts import bounds
from shared.core.json import storable

EARLIEST, LATEST = 1900, 2200
MOST_FIELDS = 1000  #: of one object; each unknown field costs an error of a kilobyte


def _storable(value: Any, pointer: str = "") -> Any:
    """Refuse text that JSON allows and no text column takes: NUL and half a surrogate pair."""
    if isinstance(value, str):
        if not storable(value):
            where = pointer or "a field name"
            raise ValueError(f"text may not contain NUL or unpaired surrogates (at {where})")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _storable(key)
            _storable(inner, f"{pointer}/{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _storable(inner, f"{pointer}/{index}")
    return value


class RequestModel(BaseModel):
    """Base of requests: unknown fields are refused, text is trimmed."""

    model_config = ConfigDict(
        extra="forbid", str_strip_whitespace=True, frozen=True, hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _check_text(cls, data: Any) -> Any:
        if isinstance(data, dict) and len(data) > MOST_FIELDS:
            raise ValueError(f"may have at most {MOST_FIELDS} fields")
        return _storable(data)


class ResponseModel(BaseModel):
    """Base of responses: exactly these fields, read from a row or a dict."""

    model_config = ConfigDict(from_attributes=True, hide_input_in_errors=True)


def _day_in_calendar(value: date) -> date:
    if not EARLIEST <= value.year <= LATEST:
        raise ValueError(f"year must lie between {EARLIEST} and {LATEST}")
    return value


def _in_calendar(value: datetime) -> datetime:
    _day_in_calendar(value)
    return value.astimezone(UTC)


def _as_text(value: Any) -> Any:
    """Refuse numbers, which pydantic would read as seconds since 1970."""
    if isinstance(value, datetime) or (isinstance(value, str) and "T" in value.upper()):
        return value
    raise ValueError("should be a time with a zone (RFC 3339), such as 2026-11-23T08:00:00+08:00")


Instant = Annotated[AwareDatetime, BeforeValidator(_as_text), AfterValidator(_in_calendar)]
"""RFC 3339 with a zone; kept in UTC."""
TimeOfWork = Annotated[Instant, AfterValidator(bounds.near)]
"""When somebody works or worked; events carry it, within these years."""
Day = Annotated[date, AfterValidator(_day_in_calendar)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Title = Annotated[str, Field(min_length=1, max_length=200)]
Words = Annotated[str, Field(max_length=4000)]
Code = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[\w\-.:/ ]+$")]
"""A category, a reference of another system: short, without control characters."""
Count = Annotated[StrictInt, Field(ge=1, le=1_000_000)]
Quantity = Annotated[StrictInt, Field(ge=0, le=1_000_000_000)]
"""Points, stock."""
Id = UUID
