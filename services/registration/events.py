"""What registration does about each event that it handles."""

from sqlalchemy.orm import Session

from services.registration.proposals import propose_hours
from shared.contracts.wishes import WishConfirmed
from shared.messaging.inbox import handles


@handles(WishConfirmed)
def propose_granted_hours(session: Session, events: list[WishConfirmed]) -> None:
    """Store the minutes that a claimer proposes; the station gives the times later."""
    propose_hours(session, events)
