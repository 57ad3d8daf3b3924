"""Its side of the conversation: what registration says, and one reaction per fact it hears."""

from sqlalchemy.orm import Session

from services.registration.proposals import propose_hours
from shared.contracts.wishes import WishConfirmed
from shared.messaging.inbox import handles


@handles(WishConfirmed)
def propose_granted_hours(session: Session, events: list[WishConfirmed]) -> None:
    """A wish granted by service proposes minutes; they wait until the station says when it began
    and ended.
    """
    propose_hours(session, events)
