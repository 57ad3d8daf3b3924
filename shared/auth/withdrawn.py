"""People whose earlier tokens are void."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.contracts.registration import PersonAccessChanged
from shared.db.types import Plumbing


class DeniedPerson(Plumbing):
    """Tokens of a person issued before `valid_from` are void. `person.access_changed` fills it."""

    __tablename__ = "denied_people"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    valid_from: Mapped[datetime]


def withdraw_access(session: Session, events: list[PersonAccessChanged]) -> None:
    """Note since when tokens of these people are valid. The newest event of a person wins."""
    in_order = sorted(events, key=lambda event: event.valid_from)
    newest = {event.person_id: event.valid_from for event in in_order}
    for person_id, valid_from in sorted(newest.items()):  # sorted: two buses lock in one order
        row = insert(DeniedPerson).values(person_id=person_id, valid_from=valid_from)
        later = row.on_conflict_do_update(
            index_elements=["person_id"],
            set_={"valid_from": row.excluded.valid_from},
            where=DeniedPerson.valid_from < row.excluded.valid_from,
        )
        session.execute(later)
