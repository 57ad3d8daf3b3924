"""What became of a statement: rows changed, a row inserted or not."""

from typing import Any, cast

from sqlalchemy import CursorResult, Result, literal_column
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.orm import Session


def changed(result: Result[Any]) -> int:
    """How many rows an UPDATE or DELETE touched. An INSERT of the ORM does not count: use RETURNING
    there.
    """
    count = cast(CursorResult[Any], result).rowcount
    if count < 0:
        raise ValueError("This statement does not count its rows; use RETURNING.")
    return count


def inserted(session: Session, statement: Insert) -> bool:
    """Run an INSERT ... ON CONFLICT DO NOTHING of one row; says whether it was new."""
    return session.execute(statement.returning(literal_column("1"))).first() is not None
