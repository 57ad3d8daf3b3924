"""Which language and topics people chose, and who was merged or erased."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import Select, delete, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from services.notify.models import Alert, ErasedPerson, MergedPerson, Message, Preference
from shared.core.clock import app_now
from shared.db.statements import among


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
    erased = same_people(session, people)
    row = insert(ErasedPerson).from_select(["person_id"], _each(erased))
    session.execute(row.on_conflict_do_nothing())
    for table in (Alert, Preference, Message):
        session.execute(delete(table).where(among(table.person_id, erased)))


def same_people(session: Session, people: Iterable[UUID]) -> Sequence[UUID]:
    """Return these people and everyone merged into them, over any number of steps, each once.

    UNION leaves out who was found already, so that merges in a circle end.
    """
    merged = _each(people).cte("merged", recursive=True)
    merged = merged.union(select(MergedPerson.person_id).where(MergedPerson.into_id == merged.c.id))
    return session.scalars(select(merged.c.id)).all()


def _each(people: Iterable[UUID]) -> Select[UUID]:
    """Select these ids, sent as one array."""
    return select(func.unnest(literal(list(people), ARRAY(Uuid())), type_=Uuid()).label("id"))


def _erased_of(session: Session, people: Iterable[UUID]) -> set[UUID]:
    """Return those of these people who were erased."""
    erased = ErasedPerson.person_id
    return set(session.scalars(select(erased).where(erased.in_(people))))
