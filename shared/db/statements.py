"""Parts of statements: what a statement changed, and a condition over many ids."""

from collections.abc import Iterable
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, Result, any_, literal, literal_column
from sqlalchemy.dialects.postgresql import ARRAY, Insert
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.types import Uuid


def changed(result: Result[Any]) -> int:
    """How many rows an UPDATE or DELETE changed. Raises ValueError for an INSERT of the ORM."""
    count = cast(CursorResult[Any], result).rowcount
    if count < 0:
        raise ValueError("This statement does not count its rows; use RETURNING.")
    return count


def inserted(session: Session, statement: Insert) -> bool:
    """Run an INSERT ... ON CONFLICT DO NOTHING of one row; tell whether it was new."""
    return session.execute(statement.returning(literal_column("1"))).first() is not None


def among(column: InstrumentedAttribute[Any], ids: Iterable[UUID]) -> ColumnElement[bool]:
    """Condition: the column is one of these ids, sent as one array, however many they are."""
    return column == any_(literal(list(ids), ARRAY(Uuid())))
