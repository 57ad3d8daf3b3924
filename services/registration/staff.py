"""Accounts of the centre's staff."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.registration.log_in import PASSWORDS
from services.registration.models import StaffMember
from shared.core.ids import new_id
from shared.core.problems import Conflict, invalid

SHORTEST_PASSWORD = 12


class LoginTaken(Conflict):
    """This log-in name is taken."""


@dataclass(frozen=True, slots=True)
class NewStaff:
    """A staff log-in that was created."""

    id: UUID
    login: str


def create_staff(session: Session, login: str, password: str, id_: UUID | None = None) -> NewStaff:
    """Create a staff log-in. Raises LoginTaken, or a 422 for a password under 12 characters."""
    if len(password) < SHORTEST_PASSWORD:
        raise invalid("/password", f"A password needs at least {SHORTEST_PASSWORD} characters.")
    row = insert(StaffMember).values(
        id=id_ or new_id(), login=login, password_hash=PASSWORDS.hash(password)
    )
    created = session.scalar(row.on_conflict_do_nothing().returning(StaffMember.id))
    if created is None:
        raise LoginTaken(f"{login} is taken.")
    return NewStaff(created, login)
