"""What wishes knows of organisations: a copy of what registration said last."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from services.wishes.models import KnownOrganisation
from shared.contracts.registration import OrganisationRegistered


def note_organisations(session: Session, events: list[OrganisationRegistered]) -> None:
    """Keep the newest name and place of each organisation, in whatever order the facts come."""
    newest = {f.organisation_id: f for f in sorted(events, key=lambda f: f.envelope.sequence)}
    for organisation_id, event in sorted(newest.items()):
        row = insert(KnownOrganisation).values(
            id=organisation_id,
            name=event.name,
            kind=event.kind,
            parent_id=event.parent_id,
            sequence=event.envelope.sequence,
        )
        session.execute(
            row.on_conflict_do_update(
                index_elements=["id"],
                set_={
                    name: row.excluded[name] for name in ("name", "kind", "parent_id", "sequence")
                },
                where=KnownOrganisation.sequence < row.excluded.sequence,
            )
        )


def holds_for(session: Session, organisation_id: UUID | None, station_id: UUID) -> bool:
    """Whether a role at an organisation holds at a station: the same node, or one above it."""
    if organisation_id is None:
        return False
    if organisation_id == station_id:
        return True
    above = (
        select(KnownOrganisation.parent_id)
        .where(KnownOrganisation.id == station_id)
        .cte("above", recursive=True)
    )
    parent = aliased(KnownOrganisation)
    # UNION, not UNION ALL: copies that arrive out of order may show a circle for a moment.
    above = above.union(select(parent.parent_id).join(above, parent.id == above.c.parent_id))
    return bool(
        session.scalar(select(select(above).where(above.c.parent_id == organisation_id).exists()))
    )
