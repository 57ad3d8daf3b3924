"""How people like to be told, and what is left of those who were merged or erased."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.notify.models import Alert, ErasedPerson, MergedPerson, Message, Preference
from shared.core.clock import app_now


def set_preferences(
    session: Session, person_id: UUID, language: str | None, muted_topics: Sequence[str]
) -> Preference:
    """Replace a person's preferences. Repeating it changes nothing."""
    row = insert(Preference).values(
        person_id=person_id, language=language, muted_topics=sorted(set(muted_topics))
    )
    session.execute(
        row.on_conflict_do_update(
            index_elements=["person_id"],
            set_={
                "language": row.excluded.language,
                "muted_topics": row.excluded.muted_topics,
                "updated_at": app_now(),
            },
        )
    )
    return preferences_of(session, person_id)


def preferences_of(session: Session, person_id: UUID) -> Preference:
    """A person's preferences; the defaults if they never said."""
    found = session.get(Preference, person_id, populate_existing=True)
    return found or Preference(person_id=person_id, language=None, muted_topics=[])


def muted_topics_of(session: Session, person_id: UUID) -> Sequence[str]:
    return preferences_of(session, person_id).muted_topics


def follow_merges(session: Session, merges: Iterable[tuple[UUID, UUID]]) -> None:
    """Remember (duplicate, the one that stays): whoever stays reads the alerts of both from now
    on.
    """
    rows = [
        {"person_id": person_id, "into_id": into_id} for person_id, into_id in sorted(set(merges))
    ]
    session.execute(insert(MergedPerson).on_conflict_do_nothing(), rows)
    into = [row["into_id"] for row in rows]
    erased = set(
        session.scalars(select(ErasedPerson.person_id).where(ErasedPerson.person_id.in_(into)))
    )
    if erased:  # the erasure overtook the merge
        forget_people(session, [row["person_id"] for row in rows if row["into_id"] in erased])


def forget_people(session: Session, people: Iterable[UUID]) -> None:
    """Delete what is kept about erased people, and keep it so for facts that arrive later."""
    erased = sorted(set(people))
    session.execute(
        insert(ErasedPerson).on_conflict_do_nothing(),
        [{"person_id": person_id} for person_id in erased],
    )
    for table in (Alert, Preference, Message):
        session.execute(delete(table).where(table.person_id.in_(erased)))
    # Duplicates of an erased person are that person.
    duplicates = session.scalars(
        select(MergedPerson.person_id).where(MergedPerson.into_id.in_(erased))
    ).all()
    already = session.scalars(
        select(ErasedPerson.person_id).where(ErasedPerson.person_id.in_(duplicates))
    ).all()
    rest = set(duplicates) - set(already)
    if rest:
        forget_people(session, rest)
