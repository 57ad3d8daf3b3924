"""Rows of a statement in the order of an id, page after page.

The last page costs as much as the first, and no transaction stays open between two pages.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Text, cast, func, literal_column, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from shared.db.engine import transaction

PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Keyset:
    """A statement with a column `id`, read in the order of `key`, which has an index."""

    key: InstrumentedAttribute[Any] | ColumnElement[Any]
    rows: Select[*tuple[Any, ...]]
    stored_as: Callable[[UUID], object] = lambda id_: id_  #: how `key` holds an id

    def page(self, session: Session, after: UUID, limit: int) -> list[Row[Any]]:
        """Read the rows behind an id, in the order of ids."""
        return list(session.execute(self._behind(after, limit)))

    def page_as_json(self, session: Session, after: UUID, limit: int) -> str:
        """Read the same rows as a JSON array, written by the database: ten times as fast."""
        page = self._behind(after, limit).subquery("page")
        array = func.json_agg(literal_column("page"))
        found = session.scalar(select(cast(array, Text)).select_from(page))
        return found or "[]"

    def _behind(self, after: UUID, limit: int) -> Select[*tuple[Any, ...]]:
        return self.rows.where(self.key > self.stored_as(after)).order_by(self.key).limit(limit)

    def all(self, after: UUID) -> Iterator[Row[Any]]:
        """Read every row behind an id; each page is a transaction of its own."""
        while True:
            with transaction() as session:
                page = self.page(session, after, PAGE)
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1].id
