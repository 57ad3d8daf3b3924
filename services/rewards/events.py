"""Its side of the conversation: what rewards says, and one reaction per fact it hears."""

from sqlalchemy.orm import Session

from shared.auth import note_access_changed
from shared.contracts import Fact
from shared.contracts.registration import PersonAccessChanged
from shared.inbox import hears

PUBLISHES: tuple[type[Fact], ...] = ()


@hears(PersonAccessChanged)
def withdraw_access(session: Session, facts: list[PersonAccessChanged]) -> None:
    """Tokens issued before the change no longer count here."""
    note_access_changed(session, facts)
