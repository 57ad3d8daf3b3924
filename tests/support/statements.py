"""Counting the statements that a database is sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from devkit.testkit import Member


@contextmanager
def counted(member: Member) -> Iterator[list[str]]:
    """Collect the SQL statements that are sent meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(member.database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(member.database.engine, "before_cursor_execute", note)
