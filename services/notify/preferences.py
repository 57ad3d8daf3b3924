"""Which language and topics people chose, and who was merged or erased."""

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
    muted = sorted(set(muted_topics))
    row = insert(Preference).values(person_id=person_id, language=language, muted_topics=muted)
    replacement = {
        "language": row.excluded.language,
        "muted_topics": row.excluded.muted_topics,
        "updated_at": app_now(),
    }
    session.execute(row.on_conflict_do_update(index_elements=["person_id"], set_=replacement))
    return preferences_of(session, person_id)


def preferences_of(session: Session, person_id: UUID) -> Preference:
    """Return a person's preferences, or the defaults if they set none."""
    found = session.get(Preference, person_id, populate_existing=True)
    return found or Preference(person_id=person_id, language=None, muted_topics=[])


def muted_topics_of(session: Session, person_id: UUID) -> Sequence[str]:
    return preferences_of(session, person_id).muted_topics


def follow_merges(session: Session, merges: Iterable[tuple[UUID, UUID]]) -> None:
    """Remember merges (duplicate, the one who stays).

    The one who stays reads the alerts of both from now on.
    """
    rows = [
        {"person_id": person_id, "into_id": into_id} for person_id, into_id in sorted(set(merges))
    ]
    session.execute(insert(MergedPerson).on_conflict_do_nothing(), rows)
    erased = _erased_of(session, [row["into_id"] for row in rows])
    if erased:  # the erasure overtook the merge
        erase_people(session, [row["person_id"] for row in rows if row["into_id"] in erased])


def erase_people(session: Session, people: Iterable[UUID]) -> None:
    """Delete what is kept about erased people and their duplicates.

    Events that arrive later write nothing about them.
    """
    erased = sorted(set(people))
    session.execute(
        insert(ErasedPerson).on_conflict_do_nothing(),
        [{"person_id": person_id} for person_id in erased],
    )
    for table in (Alert, Preference, Message):
        session.execute(delete(table).where(table.person_id.in_(erased)))
    # A duplicate may have duplicates of its own.
    remaining = _duplicates_of(session, erased)
    remaining -= _erased_of(session, remaining)
    if remaining:
        erase_people(session, remaining)


def _duplicates_of(session: Session, people: Iterable[UUID]) -> set[UUID]:
    into = MergedPerson.into_id.in_(people)
    return set(session.scalars(select(MergedPerson.person_id).where(into)))


def _erased_of(session: Session, people: Iterable[UUID]) -> set[UUID]:
    """Return those of these people who were erased."""
    erased = ErasedPerson.person_id
    return set(session.scalars(select(erased).where(erased.in_(people))))
