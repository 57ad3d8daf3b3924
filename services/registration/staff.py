"""Accounts of the centre's staff."""

from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.registration.log_in import PASSWORDS
from services.registration.models import StaffMember
from shared.core.ids import new_id
from shared.core.problems import Conflict, invalid


class LoginTaken(Conflict):
    """This log-in name is taken."""


def create_staff(
    session: Session, login: str, password: str, id_: UUID | None = None
) -> dict[str, Any]:
    """A staff log-in. Returns {id, login}. Raises LoginTaken, or 422 for a password under 12
    characters.
    """
    if len(password) < 12:
        raise invalid("/password", "A password needs at least 12 characters.")
    row = insert(StaffMember).values(
        id=id_ or new_id(), login=login, password_hash=PASSWORDS.hash(password)
    )
    created = session.scalar(row.on_conflict_do_nothing().returning(StaffMember.id))
    if created is None:
        raise LoginTaken(f"{login} is taken.")
    return {"id": str(created), "login": login}
