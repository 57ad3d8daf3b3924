"""Partner venues: taking part, suspended for a while, or only to practise with."""

from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from services.rewards.models import Venue, VenueStatus
from shared.core.ids import new_id
from shared.core.problems import NotFound


class VenueNotFound(NotFound):
    """There is no such venue."""


def create_venue(session: Session, name: str, kind: str, sandbox: bool = False) -> Venue:
    """Add a partner venue; a sandbox is there to practise with and never issues, earns or is
    settled.
    """
    venue = Venue(id=new_id(), name=name, kind=kind, sandbox=sandbox)
    session.add(venue)
    session.flush()
    return venue


def get_venue(session: Session, venue_id: UUID) -> Venue:
    """Raises VenueNotFound."""
    venue = session.get(Venue, venue_id)
    if venue is None:
        raise VenueNotFound(f"No venue {venue_id}.")
    return venue


def set_status(session: Session, venue_id: UUID, status: VenueStatus) -> Venue:
    """Suspend a venue, or let it take part again. Repeating it changes nothing. Raises
    VenueNotFound.

    Suspended, nothing new is issued for it and its keys are refused. What it signs is still taken:
    it has happened.
    """
    session.execute(update(Venue).where(Venue.id == venue_id).values(status=status))
    return get_venue(session, venue_id)
