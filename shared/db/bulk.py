"""Insert many rows in one statement, from arrays: one plan and one round trip for all."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Table, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Session


def insert_rows(
    session: Session, model: type[DeclarativeBase], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows that all have the same columns. Other columns take their database defaults."""
    if rows:
        names = tuple(rows[0])
        arrays = {name: [row[name] for row in rows] for name in names}
        session.execute(_statement(model, names), arrays)


@lru_cache(maxsize=64)
def _statement(model: type[DeclarativeBase], names: tuple[str, ...]) -> TextClause:
    table = cast(Table, model.__table__)
    columns, arrays = ", ".join(names), ", ".join(f":{name}" for name in names)
    statement = text(f"INSERT INTO {table.name} ({columns}) SELECT * FROM unnest({arrays})")  # noqa: S608 - our names
    return statement.bindparams(
        *(bindparam(name, type_=ARRAY(table.c[name].type)) for name in names)
    )
