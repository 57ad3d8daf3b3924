"""What wishes knows of organisations: a copy of what registration published last."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from services.wishes.models import KnownOrganisation
from shared.contracts.registration import OrganisationRegistered


def note_organisations(session: Session, events: list[OrganisationRegistered]) -> None:
    """Store the newest name and place of each organisation, in any order of arrival."""
    in_sequence = sorted(events, key=lambda event: event.envelope.sequence)
    newest = {event.organisation_id: event for event in in_sequence}
    for _, event in sorted(newest.items()):
        _note_organisation(session, event)


def _note_organisation(session: Session, event: OrganisationRegistered) -> None:
    values = {
        "name": event.name,
        "kind": event.kind,
        "parent_id": event.parent_id,
        "sequence": event.envelope.sequence,
    }
    row = insert(KnownOrganisation).values(id=event.organisation_id, **values)
    session.execute(
        row.on_conflict_do_update(
            index_elements=["id"],
            set_=values,
            where=KnownOrganisation.sequence < row.excluded.sequence,
        )
    )


def holds_for(session: Session, organisation_id: UUID | None, station_id: UUID) -> bool:
    """Tell whether a role at an organisation holds at a station: the same one, or one above it."""
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
    is_above = select(above).where(above.c.parent_id == organisation_id).exists()
    return bool(session.scalar(select(is_above)))
