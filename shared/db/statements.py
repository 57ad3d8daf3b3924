"""The effect of a statement: how many rows it changed, or whether it inserted one."""

from typing import Any, cast

from sqlalchemy import CursorResult, Result, literal_column
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.orm import Session


def changed(result: Result[Any]) -> int:
    """How many rows an UPDATE or DELETE changed. Raises ValueError for an INSERT of the ORM."""
    count = cast(CursorResult[Any], result).rowcount
    if count < 0:
        raise ValueError("This statement does not count its rows; use RETURNING.")
    return count


def inserted(session: Session, statement: Insert) -> bool:
    """Run an INSERT ... ON CONFLICT DO NOTHING of one row; tell whether it was new."""
    return session.execute(statement.returning(literal_column("1"))).first() is not None
