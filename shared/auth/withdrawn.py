"""People whose earlier tokens no longer count."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.contracts.registration import PersonAccessChanged
from shared.db.types import Plumbing


class DeniedPerson(Plumbing):
    """Tokens of a person issued before `valid_from` are void. Fed by `person.access_changed`;
    newest wins.
    """

    __tablename__ = "denied_people"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    valid_from: Mapped[datetime]


def withdraw_access(session: Session, events: list[PersonAccessChanged]) -> None:
    """Remember from when on tokens of these people count."""
    newest = {f.person_id: f.valid_from for f in sorted(events, key=lambda f: f.valid_from)}
    for person_id, valid_from in sorted(newest.items()):
        row = insert(DeniedPerson).values(person_id=person_id, valid_from=valid_from)
        session.execute(
            row.on_conflict_do_update(
                index_elements=["person_id"],
                set_={"valid_from": row.excluded.valid_from},
                where=DeniedPerson.valid_from < row.excluded.valid_from,
            )
        )
