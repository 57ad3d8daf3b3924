"""The public tree: lists, one wish, numbers. Reads `wishes` and the stations' public names, never
`beneficiaries`.
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
) -> Select[tuple[Wish]]:
    """Wishes in these states. The states are written out in the statement, so that the partial
    indexes are seen.
    """
    values = sorted(statuses)
    if set(values) == set(PUBLIC):
        values = list(PUBLIC)
    statement: Select[tuple[Wish]] = select(Wish).where(  # type: ignore[assignment]
        Wish.status.in_(bindparam("statuses", values, expanding=True, literal_execute=True))
    )
    if category is not None:
        statement = statement.where(Wish.category == category)
    if station_id is not None:
        statement = statement.where(Wish.station_id == station_id)
    return statement


def page_of_wishes(
    session: Session, statement: Select[tuple[Wish]], query: PageQuery
) -> tuple[Sequence[Wish], str | None]:
    """Newest first."""
    return page_of(session, statement, Wish.id, query)


def states_of(label: Label) -> list[WishStatus]:
    return [status for status, its in LABELS.items() if its is label]


def station_names(session: Session, station_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Public names, of those stations that we have heard of."""
    rows = session.execute(
        select(KnownOrganisation.id, KnownOrganisation.name).where(
            KnownOrganisation.id.in_(set(station_ids))
        )
    )
    return {row.id: row.name for row in rows}


@dataclass
class Tally:
    """Wishes of one category: collected (vouched for and not taken back), lit (somebody took them),
    granted.
    """

    category: str
    collected: int = 0
    lit: int = 0
    granted: int = 0


def tally_by_category(session: Session) -> list[Tally]:
    """One grouped read of an index, sorted by category."""
    counted = (WishStatus.VERIFIED, *PUBLIC, WishStatus.EXPIRED)
    rows = session.execute(
        select(Wish.category, Wish.status, func.count().label("n"))
        .where(Wish.status.in_(counted))
        .group_by(Wish.category, Wish.status)
    )
    tallies: dict[str, Tally] = {}
    for category, status, n in rows:
        tally = tallies.setdefault(category, Tally(category))
        tally.collected += n
        tally.lit += n if status in (*HELD, WishStatus.CONFIRMED) else 0
        tally.granted += n if status is WishStatus.CONFIRMED else 0
    return [tallies[category] for category in sorted(tallies)]
