"""The public tree: lists, one wish, numbers.

Reads `wishes` and the stations' public names, never `beneficiaries`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session

from services.wishes.models import HELD, LABELS, PUBLIC, KnownOrganisation, Label, Wish, WishStatus
from shared.http.paging import PageQuery, page_of


def wishes_in(
    statuses: Iterable[WishStatus], *, category: str | None = None, station_id: UUID | None = None
) -> Select[Wish]:
    """Select wishes in these states."""
    statement = select(Wish).where(
        # Written out in the statement: only then does PostgreSQL use the partial indexes.
        Wish.status.in_(
            bindparam("statuses", _ordered(statuses), expanding=True, literal_execute=True)
        )
    )
    if category is not None:
        statement = statement.where(Wish.category == category)
    if station_id is not None:
        statement = statement.where(Wish.station_id == station_id)
    return statement


def _ordered(statuses: Iterable[WishStatus]) -> list[WishStatus]:
    """Put the states in one order, that of the partial index where they are all the public ones."""
    wanted = set(statuses)
    return list(PUBLIC) if wanted == set(PUBLIC) else sorted(wanted)


def page_of_wishes(
    session: Session, statement: Select[Wish], query: PageQuery
) -> tuple[Sequence[Wish], str | None]:
    """Return one page, newest first, and the cursor of the next."""
    return page_of(session, statement, Wish.id, query)


def states_of(label: Label) -> list[WishStatus]:
    return [status for status, shown_as in LABELS.items() if shown_as is label]


def station_names(session: Session, station_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the public names of the stations that are known here."""
    rows = session.execute(
        select(KnownOrganisation.id, KnownOrganisation.name).where(
            KnownOrganisation.id.in_(set(station_ids))
        )
    )
    return {row.id: row.name for row in rows}


@dataclass(slots=True)
class Tally:
    """How many wishes of one category got how far."""

    category: str
    collected: int = 0  #: verified, and not withdrawn since
    lit: int = 0  #: of these, claimed or granted
    granted: int = 0  #: of these, confirmed

    def add(self, status: WishStatus, count: int) -> None:
        self.collected += count
        if status in (*HELD, WishStatus.CONFIRMED):
            self.lit += count
        if status is WishStatus.CONFIRMED:
            self.granted += count


def tally_by_category(session: Session) -> list[Tally]:
    """Count wishes by one grouped read of an index; sorted by category."""
    counted = (WishStatus.VERIFIED, *PUBLIC, WishStatus.EXPIRED)
    rows = session.execute(
        select(Wish.category, Wish.status, func.count().label("count"))
        .where(Wish.status.in_(counted))
        .group_by(Wish.category, Wish.status)
    )
    tallies: dict[str, Tally] = {}
    for category, status, count in rows:
        tallies.setdefault(category, Tally(category)).add(status, count)
    return [tallies[category] for category in sorted(tallies)]
