"""A claim is a lease: taken by one UPDATE, counted against a limit, ended by fulfilment, release or
the clock.

Wishes are locked before claimers' counters, both in id order, so that two verbs do not wait for
each other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.wishes.lifecycle import (
    CLOCK,
    Moved,
    WishNotFound,
    find_wish,
    give_back,
    move,
    not_ready,
)
from services.wishes.models import HELD, PUBLIC, ClaimerLoad, Standing, Wish, WishStatus
from services.wishes.settings import own_settings
from shared.contracts.wishes import (
    ClaimerKind,
    WishClaimed,
    WishConfirmed,
    WishFulfilled,
    WishReleased,
)
from shared.core.clock import app_now
from shared.core.problems import Conflict, Forbidden, Problem
from shared.messaging.outbox import publish

LIMITS = {ClaimerKind.VOLUNTEER: 3, ClaimerKind.ORGANISATION: 50, ClaimerKind.POOL: 1}
"""What a claimer's row starts with; from then on the row counts."""


class WishNotClaimable(Conflict):
    """This wish is no longer on the tree."""


class TooManyClaims(Conflict):
    """This claimer holds as many wishes as they may. Grant or release one first."""


class MayNotClaim(Forbidden):
    """This volunteer may not claim wishes at present."""


class ClaimLost(Conflict):
    """The claim this names has ended: the wish was released, or somebody else holds it."""


class OwnWorkNotConfirmable(Forbidden):
    """Who granted a wish does not confirm it."""


@dataclass(frozen=True)
class Claimer:
    """Who leases: a volunteer, an organisation, or a voucher of the pool."""

    id: UUID
    kind: ClaimerKind


def claim_wish(session: Session, wish_id: UUID, claimer: Claimer, actor: str) -> Wish:
    """Lease a wish to one claimer until its deadline, and announce it.

    A lapsed lease counts as free; who had it is told. Repeating one's own claim changes nothing.
    Raises WishNotFound, WishNotClaimable, TooManyClaims, MayNotClaim.
    """
    free = or_(
        Wish.status == WishStatus.PUBLISHED,
        and_(Wish.status == WishStatus.CLAIMED, Wish.lease_until < app_now()),
    )
    moved = move(
        session,
        wish_id,
        WishStatus.CLAIMED,
        actor,
        free,
        claimer_id=claimer.id,
        claimer_kind=claimer.kind,
        fence=Wish.fence + 1,
        lease_until=_deadline(),
    )
    if moved is None:
        wish = find_wish(session, wish_id)
        if wish.status not in PUBLIC:
            raise WishNotFound(f"No wish {wish_id}.")
        if (wish.status, wish.claimer_id) != (WishStatus.CLAIMED, claimer.id):
            # Someone else's update won the race, or the wish has moved on.
            raise WishNotClaimable(f"Wish {wish_id} is {wish.status}.", wish_status=wish.status)
        return wish
    _lock_loads(session, (claimer.id, moved.claimer_id))
    if moved.was is WishStatus.CLAIMED:
        give_back(session, moved.claimer_id)
        publish(session, _released(moved, "expired"))
    _take_one(session, claimer)
    publish(session, _claimed(moved.wish))
    return moved.wish


@dataclass(frozen=True)
class Outcome:
    """What became of one wish of a batch; `problem` is None when it is claimed."""

    wish_id: UUID
    wish: Wish | None = None
    problem: Problem | None = None


def claim_wishes(
    session: Session, wish_ids: Iterable[UUID], claimer: Claimer, actor: str
) -> list[Outcome]:
    """Claim each of these wishes that can be had; the others do not stand in its way. Answers in
    the order asked.
    """
    wish_ids = list(dict.fromkeys(wish_ids))
    rows = session.execute(
        select(Wish.claimer_id).where(Wish.id.in_(wish_ids)).order_by(Wish.id).with_for_update()
    )
    _lock_loads(session, (claimer.id, *rows.scalars()))
    return [_try_claim(session, wish_id, claimer, actor) for wish_id in wish_ids]


def _try_claim(session: Session, wish_id: UUID, claimer: Claimer, actor: str) -> Outcome:
    try:
        with session.begin_nested():
            return Outcome(wish_id, claim_wish(session, wish_id, claimer, actor))
    except (WishNotFound, WishNotClaimable, TooManyClaims, MayNotClaim) as problem:
        return Outcome(wish_id, problem=problem)


def release_claim(
    session: Session, wish_id: UUID, actor: str, *, claimer: Claimer | None, reason: str | None
) -> Wish:
    """Hang a claimed wish again. `claimer` gives up their own; None: staff takes it from whoever
    holds it.

    Repeating it changes nothing. Raises WishNotFound, ClaimLost (somebody else holds it),
    WishNotReady.
    """
    mine = [Wish.claimer_id == claimer.id] if claimer else []
    moved = _release(
        session, wish_id, actor, *mine, cause="claimer" if claimer else "staff", reason=reason
    )
    wish = find_wish(session, wish_id)
    if moved is None and wish.status is not WishStatus.PUBLISHED:
        if claimer and wish.claimer_id != claimer.id:
            raise ClaimLost(f"Wish {wish_id} is not held by this claimer.")
        raise not_ready(wish)
    return wish


def release_expired_claims(session: Session, limit: int = 200) -> int:
    """Hang wishes again whose lease has lapsed; returns how many. What somebody is moving just now
    is left to them.
    """
    lapsed = Wish.lease_until < app_now()
    ids = session.scalars(
        select(Wish.id)
        .where(Wish.status == WishStatus.CLAIMED, lapsed)
        .order_by(Wish.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    _lock_loads(session, session.scalars(select(Wish.claimer_id).where(Wish.id.in_(ids))))
    return sum(
        _release(session, wish_id, CLOCK, lapsed, cause="expired") is not None for wish_id in ids
    )


def fulfil_wish(
    session: Session,
    wish_id: UUID,
    claimer: Claimer | None,
    actor: str,
    *,
    fence: int,
    note: str,
    minutes: int = 0,
) -> Wish:
    """The claimer (None: staff for them) says it is done. Repeating it with the same fence changes
    nothing.

    Raises WishNotFound, ClaimLost (an old fence, or not the claimer's any more), WishNotReady.
    """
    mine = [Wish.claimer_id == claimer.id] if claimer else []
    moved = move(
        session,
        wish_id,
        WishStatus.FULFILLED,
        actor,
        Wish.status == WishStatus.CLAIMED,
        Wish.fence == fence,
        *mine,
        lease_until=None,
        fulfilment_note=note,
        proposed_minutes=minutes,
    )
    wish = moved.wish if moved else find_wish(session, wish_id)
    if moved:
        publish(
            session,
            WishFulfilled(
                wish_id=wish.id,
                station_id=wish.station_id,
                title=wish.title,
                claimer_id=_holder(wish).id,
                claimer_kind=_holder(wish).kind,
                fence=fence,
            ),
        )
        return wish
    if wish.status not in PUBLIC:
        raise WishNotFound(f"No wish {wish_id}.")
    if wish.fence != fence or (claimer and wish.claimer_id != claimer.id):
        raise ClaimLost(f"Wish {wish_id} is not held by that claim any more.")
    if wish.status is WishStatus.PUBLISHED:
        raise ClaimLost(f"The claim on wish {wish_id} was released.")
    return wish


def confirm_wish(session: Session, wish_id: UUID, actor: str, *, not_by: Iterable[UUID]) -> Wish:
    """Station or staff agrees that the wish was granted; final. Repeating it changes nothing.

    `not_by`: the ids that the caller acts for; none of them may be the claimer.
    Raises WishNotFound, WishNotReady, OwnWorkNotConfirmable.
    """
    moved = move(
        session,
        wish_id,
        WishStatus.CONFIRMED,
        actor,
        Wish.status == WishStatus.FULFILLED,
        Wish.claimer_id.not_in(list(not_by)),
    )
    wish = moved.wish if moved else find_wish(session, wish_id)
    if moved:
        give_back(session, wish.claimer_id)
        holder = _holder(wish)
        publish(
            session,
            WishConfirmed(
                wish_id=wish.id,
                station_id=wish.station_id,
                title=wish.title,
                claimer_id=holder.id,
                claimer_kind=holder.kind,
                proposed_minutes=wish.proposed_minutes,
            ),
        )
    elif wish.status is not WishStatus.CONFIRMED:
        raise _unconfirmed(wish, not_by)
    return wish


def refuse_fulfilment(
    session: Session,
    wish_id: UUID,
    actor: str,
    *,
    not_by: Iterable[UUID],
    reason: str | None = None,
) -> Wish:
    """It was not done: the same claim goes on with a new deadline, announced as `wish.claimed` with
    the same fence.

    Repeating it changes nothing. Raises WishNotFound, WishNotReady, OwnWorkNotConfirmable.
    """
    moved = move(
        session,
        wish_id,
        WishStatus.CLAIMED,
        actor,
        Wish.status == WishStatus.FULFILLED,
        Wish.claimer_id.not_in(list(not_by)),
        reason=reason,
        lease_until=_deadline(),
    )
    wish = moved.wish if moved else find_wish(session, wish_id)
    if moved:
        publish(session, _claimed(wish))
    elif wish.status is not WishStatus.CLAIMED:
        raise _unconfirmed(wish, not_by)
    return wish


def set_standing(
    session: Session, volunteer_id: UUID, standing: Standing, sequence: int, cause: str | None
) -> None:
    """Note what registration says about a volunteer, the newest by `sequence`; with a cause,
    release what they hold.

    A merge is final. Fulfilled wishes stay: they wait for the station, not for the volunteer.
    """
    if _note_standing(session, volunteer_id, standing, sequence) and cause is not None:
        _release_all(session, volunteer_id, cause)


def merge_claimer(session: Session, volunteer_id: UUID, into_id: UUID, sequence: int) -> None:
    """Everything of one volunteer now belongs to another, whose limit is lifted if need be.

    `into_id` may itself have been merged before this was heard: the chain is followed.
    """
    if not _note_standing(session, volunteer_id, Standing.MERGED, sequence, merged_into=into_id):
        return
    target = session.get(ClaimerLoad, into_id, populate_existing=True)
    while target is not None and target.merged_into is not None:
        target = session.get(ClaimerLoad, target.merged_into, populate_existing=True)
        if target is not None:
            into_id = target.claimer_id
    moved = session.scalars(
        update(Wish)
        .where(Wish.claimer_id == volunteer_id)
        .values(claimer_id=into_id)
        .returning(Wish.status)
        .execution_options(synchronize_session=False)
    ).all()
    held = sum(status in HELD for status in moved)
    session.execute(
        update(ClaimerLoad)
        .where(ClaimerLoad.claimer_id == volunteer_id)
        .values(active=ClaimerLoad.active - held)
        .execution_options(synchronize_session=False)
    )
    load = insert(ClaimerLoad).values(
        claimer_id=into_id,
        claimer_kind=ClaimerKind.VOLUNTEER,
        active=held,
        claim_limit=max(held, LIMITS[ClaimerKind.VOLUNTEER]),
    )
    total = ClaimerLoad.active + held
    kept = session.execute(
        load.on_conflict_do_update(
            index_elements=["claimer_id"],
            set_={"active": total, "claim_limit": func.greatest(ClaimerLoad.claim_limit, total)},
        ).returning(ClaimerLoad.standing)
    ).scalar_one()
    if kept is not Standing.GOOD:
        _release_all(session, into_id, "staff")


def _note_standing(
    session: Session,
    volunteer_id: UUID,
    standing: Standing,
    sequence: int,
    merged_into: UUID | None = None,
) -> bool:
    row = insert(ClaimerLoad).values(
        claimer_id=volunteer_id,
        claimer_kind=ClaimerKind.VOLUNTEER,
        claim_limit=LIMITS[ClaimerKind.VOLUNTEER],
        standing=standing,
        standing_sequence=sequence,
        merged_into=merged_into,
    )
    newest = row.on_conflict_do_update(
        index_elements=["claimer_id"],
        set_={"standing": standing, "standing_sequence": sequence, "merged_into": merged_into},
        where=and_(
            ClaimerLoad.standing != Standing.MERGED, ClaimerLoad.standing_sequence < sequence
        ),
    )
    return session.execute(newest.returning(ClaimerLoad.claimer_id)).one_or_none() is not None


def _release_all(session: Session, claimer_id: UUID, cause: str) -> None:
    held = (
        select(Wish.id)
        .where(Wish.claimer_id == claimer_id, Wish.status == WishStatus.CLAIMED)
        .order_by(Wish.id)
    )
    for wish_id in session.scalars(held).all():
        _release(session, wish_id, CLOCK, Wish.claimer_id == claimer_id, cause=cause)


def _release(
    session: Session,
    wish_id: UUID,
    actor: str,
    *when: ColumnElement[bool],
    cause: str,
    reason: str | None = None,
) -> Moved | None:
    moved = move(
        session,
        wish_id,
        WishStatus.PUBLISHED,
        actor,
        Wish.status == WishStatus.CLAIMED,
        *when,
        reason=reason or cause,
        claimer_id=None,
        claimer_kind=None,
        lease_until=None,
    )  # type: ignore[arg-type]
    if moved:
        give_back(session, moved.claimer_id)
        publish(session, _released(moved, cause))
    return moved


def _take_one(session: Session, claimer: Claimer) -> None:
    """Count one more against the claimer's limit. Raises TooManyClaims, MayNotClaim."""
    load = insert(ClaimerLoad).values(
        claimer_id=claimer.id, claimer_kind=claimer.kind, active=1, claim_limit=LIMITS[claimer.kind]
    )
    taken = session.execute(
        load.on_conflict_do_update(
            index_elements=["claimer_id"],
            set_={"active": ClaimerLoad.active + 1},
            where=and_(
                ClaimerLoad.active < ClaimerLoad.claim_limit, ClaimerLoad.standing == Standing.GOOD
            ),
        ).returning(ClaimerLoad.active)
    ).one_or_none()
    if taken is None:
        full = session.get_one(ClaimerLoad, claimer.id, populate_existing=True)
        if full.standing is not Standing.GOOD:
            raise MayNotClaim(f"{claimer.id} is {full.standing}.")
        raise TooManyClaims(f"At most {full.claim_limit} wishes at once.", limit=full.claim_limit)


def _lock_loads(session: Session, ids: Iterable[UUID | None]) -> None:
    wanted = sorted({i for i in ids if i is not None})
    session.execute(
        select(ClaimerLoad.claimer_id)
        .where(ClaimerLoad.claimer_id.in_(wanted))
        .order_by(ClaimerLoad.claimer_id)
        .with_for_update()
    ).all()


def _deadline() -> object:
    return app_now() + timedelta(days=own_settings().claim_lease_days)


def _holder(wish: Wish) -> Claimer:
    if wish.claimer_id is None or wish.claimer_kind is None:
        raise AssertionError(f"Wish {wish.id} is held by nobody.")  # the table's CHECK rules it out
    return Claimer(wish.claimer_id, wish.claimer_kind)


def _claimed(wish: Wish) -> WishClaimed:
    holder = _holder(wish)
    assert wish.lease_until is not None
    return WishClaimed(
        wish_id=wish.id,
        station_id=wish.station_id,
        title=wish.title,
        claimer_id=holder.id,
        claimer_kind=holder.kind,
        fence=wish.fence,
        lease_until=wish.lease_until,
    )


def _released(moved: Moved, cause: str) -> WishReleased:
    wish = moved.wish
    assert moved.claimer_id is not None
    assert moved.claimer_kind is not None
    return WishReleased(
        wish_id=wish.id,
        station_id=wish.station_id,
        title=wish.title,
        claimer_id=moved.claimer_id,
        claimer_kind=moved.claimer_kind,
        fence=moved.fence,
        cause=cause,
    )


def _unconfirmed(wish: Wish, not_by: Iterable[UUID]) -> Problem:
    if wish.status is WishStatus.FULFILLED and wish.claimer_id in set(not_by):
        return OwnWorkNotConfirmable(f"Wish {wish.id} was granted by the caller.")
    return not_ready(wish)
