"""Dead letters of one service over HTTP, for staff: read them and give them new attempts."""

from datetime import datetime
from uuid import UUID

from apiflask import APIBlueprint
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.auth.access import allow
from shared.auth.principal import Role
from shared.core.problems import Conflict, NotFound
from shared.db.engine import transaction
from shared.http.idempotency import exempt_from_idempotency_keys
from shared.http.paging import Page, PageQuery, page_of
from shared.http.schemas import ResponseModel
from shared.messaging.attempts import DeadLetter, replay


class DeadLetterNotFound(NotFound):
    """There is no such dead letter."""


class NothingToReplay(Conflict):
    """This message was no event, so it cannot be tried again."""


class DeadLetterResponse(ResponseModel):
    id: UUID
    event_id: UUID | None
    reason: str
    error: str | None
    attempts: int
    died_at: datetime
    replayed_at: datetime | None


def dead_letters_blueprint(prefix: str, name: str = "dead_letters") -> APIBlueprint:
    """Serve this service's dead letters under `prefix`, such as `/v1/dead-letters`."""
    bp = APIBlueprint(name, __name__, tag=f"Dead letters at {prefix}")

    @bp.get(prefix)
    @bp.input(PageQuery, location="query")
    @bp.output(Page[DeadLetterResponse])
    @bp.doc(summary="Events that were given up, newest first")
    @allow(Role.STAFF)
    def get_dead_letters(query_data: PageQuery) -> dict[str, object]:
        with transaction() as session:
            items, after = page_of(session, select(DeadLetter), DeadLetter.id, query_data)
            return {"items": items, "next": after}

    @bp.post(f"{prefix}/<uuid:letter_id>/replay")
    @bp.output(DeadLetterResponse)
    @bp.doc(summary="Give the event five new attempts, due at once")
    @allow(Role.STAFF)
    @exempt_from_idempotency_keys
    def post_replay(letter_id: UUID) -> DeadLetter:
        with transaction() as session:
            letter = _replayable(session, letter_id)
            replay(session, letter)
            session.flush()
            session.refresh(letter)
            return letter

    return bp


def _replayable(session: Session, letter_id: UUID) -> DeadLetter:
    letter = session.get(DeadLetter, letter_id, with_for_update=True)
    if letter is None:
        raise DeadLetterNotFound(f"No dead letter {letter_id}.")
    if letter.event_id is None:
        raise NothingToReplay(f"Dead letter {letter_id} is no event.")
    return letter
