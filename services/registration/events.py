"""Its side of the conversation: what registration says, and one reaction per fact it hears."""

from sqlalchemy.orm import Session

from services.registration.proposals import propose_hours
from shared.contracts import registration as said
from shared.contracts.base import Fact
from shared.contracts.wishes import WishConfirmed
from shared.messaging.inbox import hears

PUBLISHES: tuple[type[Fact], ...] = (
    said.VolunteerRegistered,
    said.VolunteerActivated,
    said.VolunteerSuspended,
    said.VolunteerLeft,
    said.VolunteerMerged,
    said.VolunteerErased,
    said.PersonAccessChanged,
    said.OrganisationRegistered,
    said.ActivityPublished,
    said.SignupConfirmed,
    said.SignupWaitlisted,
    said.SignupCancelled,
    said.AttendanceCheckedIn,
    said.AttendanceCheckedOut,
    said.HoursRecorded,
    said.HoursCorrected,
    said.HoursRejected,
)


@hears(WishConfirmed)
def propose_granted_hours(session: Session, facts: list[WishConfirmed]) -> None:
    """A wish granted by service proposes minutes; they wait until the station says when it began
    and ended.
    """
    propose_hours(session, facts)
