"""Who claims wishes, how many they have claimed, and whether they may claim at all.

The counter's CHECK decides: no race passes the limit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.wishes.models import ClaimerLoad, Standing
from shared.contracts.wishes import ClaimerKind
from shared.core.problems import Conflict, Forbidden

LIMITS = {ClaimerKind.VOLUNTEER: 3, ClaimerKind.ORGANISATION: 50, ClaimerKind.POOL: 1}
"""What a claimer's row starts with; from then on the row counts."""


class TooManyClaims(Conflict):
    """This claimer holds as many wishes as they may. Grant or release one first."""


class MayNotClaim(Forbidden):
    """This volunteer may not claim wishes at present."""


@dataclass(frozen=True, slots=True)
class Claimer:
    """Who claims: a volunteer, an organisation, or a voucher of the pool."""

    id: UUID
    kind: ClaimerKind


def lock_claimers(session: Session, ids: Iterable[UUID | None]) -> None:
    """Lock these claimers' counters, in id order so that two verbs do not deadlock."""
    wanted = {id_ for id_ in ids if id_ is not None}
    session.execute(
        select(ClaimerLoad.claimer_id)
        .where(ClaimerLoad.claimer_id.in_(sorted(wanted)))
        .order_by(ClaimerLoad.claimer_id)
        .with_for_update()
    ).all()


def count_claim(session: Session, claimer: Claimer) -> None:
    """Count one more wish against the claimer's limit. Raises TooManyClaims, MayNotClaim."""
    row = insert(ClaimerLoad).values(
        claimer_id=claimer.id, claimer_kind=claimer.kind, active=1, claim_limit=LIMITS[claimer.kind]
    )
    may_claim = and_(
        ClaimerLoad.active < ClaimerLoad.claim_limit, ClaimerLoad.standing == Standing.GOOD
    )
    row = row.on_conflict_do_update(
        index_elements=["claimer_id"], set_={"active": ClaimerLoad.active + 1}, where=may_claim
    )
    # No row comes back where `may_claim` did not hold.
    if session.scalar(row.returning(ClaimerLoad.active)) is None:
        raise _refusal(session, claimer)


def _refusal(session: Session, claimer: Claimer) -> TooManyClaims | MayNotClaim:
    load = session.get_one(ClaimerLoad, claimer.id, populate_existing=True)
    if load.standing is not Standing.GOOD:
        return MayNotClaim(f"{claimer.id} is {load.standing}.")
    return TooManyClaims(f"At most {load.claim_limit} wishes at once.", limit=load.claim_limit)


def uncount_claim(session: Session, claimer_id: UUID | None, wishes: int = 1) -> None:
    """Count so many wishes less against this claimer's limit."""
    session.execute(
        update(ClaimerLoad)
        .where(ClaimerLoad.claimer_id == claimer_id)
        .values(active=ClaimerLoad.active - wishes)
        .execution_options(synchronize_session=False)
    )


def note_standing(
    session: Session,
    volunteer_id: UUID,
    standing: Standing,
    sequence: int,
    merged_into: UUID | None = None,
) -> bool:
    """Store whether a volunteer may claim. Returns False for an event that is no longer the newest.

    A merger is final; later events do not undo it.
    """
    newest = {"standing": standing, "standing_sequence": sequence, "merged_into": merged_into}
    row = insert(ClaimerLoad).values(
        claimer_id=volunteer_id,
        claimer_kind=ClaimerKind.VOLUNTEER,
        claim_limit=LIMITS[ClaimerKind.VOLUNTEER],
        **newest,
    )
    is_newer = and_(
        ClaimerLoad.standing != Standing.MERGED, ClaimerLoad.standing_sequence < sequence
    )
    row = row.on_conflict_do_update(index_elements=["claimer_id"], set_=newest, where=is_newer)
    return session.scalar(row.returning(ClaimerLoad.claimer_id)) is not None


def end_of_mergers(session: Session, volunteer_id: UUID) -> UUID:
    """Return who stays at the end of a chain of mergers; the id itself if there was none."""
    load = session.get(ClaimerLoad, volunteer_id, populate_existing=True)
    while load is not None and load.merged_into is not None:
        volunteer_id = load.merged_into
        load = session.get(ClaimerLoad, volunteer_id, populate_existing=True)
    return volunteer_id


def move_count(session: Session, from_id: UUID, to_id: UUID, wishes: int) -> Standing:
    """Count so many wishes for the other volunteer, whose limit is lifted if need be.

    Returns whether that one may claim.
    """
    uncount_claim(session, from_id, wishes)
    row = insert(ClaimerLoad).values(
        claimer_id=to_id,
        claimer_kind=ClaimerKind.VOLUNTEER,
        active=wishes,
        claim_limit=max(wishes, LIMITS[ClaimerKind.VOLUNTEER]),
    )
    total = ClaimerLoad.active + wishes
    row = row.on_conflict_do_update(
        index_elements=["claimer_id"],
        set_={"active": total, "claim_limit": func.greatest(ClaimerLoad.claim_limit, total)},
    )
    return session.execute(row.returning(ClaimerLoad.standing)).scalar_one()
