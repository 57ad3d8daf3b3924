"""Keyset pages: a cursor names the last row seen.

Page 1,000 costs as much as page 1, and no row is skipped when others come or go.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from shared.core.problems import invalid
from shared.http.schemas import ResponseModel

T = TypeVar("T", bound=BaseModel)


class Page(ResponseModel, Generic[T]):
    """One page of a list, newest first unless the endpoint says otherwise."""

    items: list[T]
    next: str | None

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """Name the page in the OpenAPI document after what it holds: `VoucherPage`."""
        return f"{params[0].__name__.removesuffix('Response')}Page"


class PageQuery(BaseModel):
    """`?limit=` and `?after=` of every list."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=200)
    after: str | None = Field(default=None, max_length=400, description="`next` of the page before")


def page_of(
    session: Session, statement: Select[Any], key: InstrumentedAttribute[UUID], query: PageQuery
) -> tuple[Sequence[Any], str | None]:
    """One page, newest first: ids are UUIDv7, so they sort by creation.

    Needs an index that ends in `key`.
    """
    if query.after is not None:
        statement = statement.where(key < UUID(decode_cursor(query.after)[0]))
    rows = session.scalars(statement.order_by(key.desc()).limit(query.limit + 1)).all()
    if len(rows) <= query.limit:
        return rows, None
    rows = rows[: query.limit]
    return rows, encode_cursor(str(getattr(rows[-1], key.key)))


def encode_cursor(*parts: str | int) -> str:
    """Pack the place of a row into text that clients pass back as it is."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decode_cursor(
    cursor: str, check: Callable[[list[Any]], object] = lambda parts: UUID(parts[0])
) -> list[Any]:
    """Unpack a cursor. Raises a 422 that names `after` if it is not one of ours."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        check(parts)
    except (ValueError, binascii.Error, IndexError, TypeError, AttributeError, KeyError):
        raise invalid("/after", "This cursor is not one that this list gave out.") from None
    return list(parts)
