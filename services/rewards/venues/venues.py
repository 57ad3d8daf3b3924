"""Partner venues: active, suspended for a while, or a sandbox to practise with."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from services.rewards.models import Venue, VenueStatus
from shared.core.ids import new_id
from shared.core.problems import NotFound


class VenueNotFound(NotFound):
    """There is no such venue."""


def create_venue(session: Session, name: str, kind: str, sandbox: bool = False) -> Venue:
    """Add a partner venue. A sandbox is for practice: it never issues, earns or is settled."""
    venue = Venue(id=new_id(), name=name, kind=kind, sandbox=sandbox)
    session.add(venue)
    session.flush()
    return venue


def get_venue(session: Session, venue_id: UUID) -> Venue:
    """Return a venue. Raises VenueNotFound."""
    venue = session.get(Venue, venue_id)
    if venue is None:
        raise VenueNotFound(f"No venue {venue_id}.")
    return venue


def lock_venue(session: Session, venue_id: UUID) -> Venue:
    """Lock a venue's row: its reports, disputes and settlements change one at a time.

    Raises VenueNotFound.
    """
    get_venue(session, venue_id)
    # FOR NO KEY UPDATE: rows that refer to the venue can still be inserted meanwhile.
    return session.scalars(
        select(Venue).where(Venue.id == venue_id).with_for_update(key_share=True)
    ).one()


def set_status(session: Session, venue_id: UUID, status: VenueStatus) -> Venue:
    """Suspend a venue, or let it take part again. Repeating it changes nothing.

    For a suspended venue nothing new is issued, and its keys are refused. Its signed webhooks are
    still accepted: what they report has happened. Raises VenueNotFound.
    """
    session.execute(update(Venue).where(Venue.id == venue_id).values(status=status))
    return get_venue(session, venue_id)
