"""A claim is a lease: taken by one UPDATE, ended by fulfilment, by release or by the clock.

Wishes are locked before claimers' counters, both in id order, so that two verbs do not deadlock.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from services.wishes.claimers import (
    Claimer,
    MayNotClaim,
    TooManyClaims,
    count_claim,
    end_of_mergers,
    lock_claimers,
    move_count,
    note_standing,
    uncount_claim,
)
from services.wishes.lifecycle import CLOCK, Moved, WishNotFound, get_wish, move, not_ready
from services.wishes.models import HELD, PUBLIC, Standing, Wish, WishStatus
from services.wishes.settings import own_settings
from shared.contracts.wishes import WishClaimed, WishConfirmed, WishFulfilled, WishReleased
from shared.core.clock import app_now
from shared.core.problems import Conflict, Forbidden, Problem
from shared.messaging.outbox import publish


class WishNotClaimable(Conflict):
    """This wish is no longer on the tree."""


class ClaimLost(Conflict):
    """The named claim has ended: the wish was released, or somebody else holds it."""


class OwnWorkNotConfirmable(Forbidden):
    """The claimer who granted a wish may not confirm it."""


def claim_wish(session: Session, wish_id: UUID, claimer: Claimer, actor: str) -> Wish:
    """Lease a wish to one claimer until its deadline, and publish `wish.claimed`.

    A lapsed lease counts as free, and `wish.released` is published for it. Repeating one's own
    claim changes nothing. Raises WishNotFound, WishNotClaimable, TooManyClaims, MayNotClaim.
    """
    moved = _take(session, wish_id, claimer, actor)
    if moved is None:
        return _own_claim(session, wish_id, claimer)
    lock_claimers(session, (claimer.id, moved.claimer_id))
    if moved.was is WishStatus.CLAIMED:
        uncount_claim(session, moved.claimer_id)
        publish(session, _released(moved, "expired"))
    count_claim(session, claimer)
    publish(session, _claimed(moved.wish))
    return moved.wish


def _take(session: Session, wish_id: UUID, claimer: Claimer, actor: str) -> Moved | None:
    """Give a free wish to a claimer. Returns None where it is not free."""
    is_lapsed = and_(Wish.status == WishStatus.CLAIMED, Wish.lease_until < app_now())
    return move(
        session,
        wish_id,
        WishStatus.CLAIMED,
        actor,
        or_(Wish.status == WishStatus.PUBLISHED, is_lapsed),
        claimer_id=claimer.id,
        claimer_kind=claimer.kind,
        # Each claim has a number of its own: an old claimer cannot finish a newer claim.
        fence=Wish.fence + 1,
        lease_until=_deadline(),
    )


def _own_claim(session: Session, wish_id: UUID, claimer: Claimer) -> Wish:
    """Return the wish where the claimer has claimed it before."""
    wish = get_wish(session, wish_id)
    if wish.status not in PUBLIC:
        raise WishNotFound(f"No wish {wish_id}.")
    if (wish.status, wish.claimer_id) != (WishStatus.CLAIMED, claimer.id):
        # Someone else's update won the race, or the wish has moved on.
        raise WishNotClaimable(f"Wish {wish_id} is {wish.status}.", wish_status=wish.status)
    return wish


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one wish of a batch; `problem` is None when it is claimed."""

    wish_id: UUID
    wish: Wish | None = None
    problem: Problem | None = None


def claim_wishes(
    session: Session, wish_ids: Iterable[UUID], claimer: Claimer, actor: str
) -> list[Outcome]:
    """Claim each of these wishes that is free, also if others are not.

    Outcomes come in the order of the ids, once for each.
    """
    # All locks first, in one order; each claim then runs in a savepoint of its own.
    wish_ids = list(dict.fromkeys(wish_ids))
    earlier_claimers = session.scalars(
        select(Wish.claimer_id).where(Wish.id.in_(wish_ids)).order_by(Wish.id).with_for_update()
    )
    lock_claimers(session, (claimer.id, *earlier_claimers))
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
    """Put a claimed wish back on the tree, and publish `wish.released`.

    With `claimer` only their own claim; with None, for staff, anybody's. Repeating it changes
    nothing. Raises WishNotFound, ClaimLost (somebody else holds it), WishNotReady.
    """
    cause = "claimer" if claimer else "staff"
    moved = _release(session, wish_id, actor, *_claimed_by(claimer), cause=cause, reason=reason)
    wish = get_wish(session, wish_id)
    if moved is None and wish.status is not WishStatus.PUBLISHED:
        if claimer and wish.claimer_id != claimer.id:
            raise ClaimLost(f"Wish {wish_id} is not held by this claimer.")
        raise not_ready(wish)
    return wish


def _claimed_by(claimer: Claimer | None) -> list[ColumnElement[bool]]:
    """Restrict a move to a claimer's own wishes; staff, as None, act for anybody."""
    return [Wish.claimer_id == claimer.id] if claimer else []


def release_expired_claims(session: Session, limit: int = 200) -> int:
    """Put wishes back on the tree whose lease has lapsed; returns how many.

    A wish that somebody else is moving just now is left to them.
    """
    is_lapsed = Wish.lease_until < app_now()
    ids = session.scalars(
        select(Wish.id)
        .where(Wish.status == WishStatus.CLAIMED, is_lapsed)
        .order_by(Wish.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    lock_claimers(session, session.scalars(select(Wish.claimer_id).where(Wish.id.in_(ids))))
    released = [_release(session, wish_id, CLOCK, is_lapsed, cause="expired") for wish_id in ids]
    return sum(moved is not None for moved in released)


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
    """Note that the claimer says that it is done, and publish `wish.fulfilled`.

    Staff, with None, say it for any claimer. Repeating it with the same fence changes nothing.
    Raises WishNotFound, ClaimLost (an old fence, or not the claimer's any more).
    """
    moved = move(
        session,
        wish_id,
        WishStatus.FULFILLED,
        actor,
        Wish.status == WishStatus.CLAIMED,
        Wish.fence == fence,
        *_claimed_by(claimer),
        lease_until=None,
        fulfilment_note=note,
        proposed_minutes=minutes,
    )
    if moved is None:
        return _fulfilled_before(session, wish_id, claimer, fence)
    publish(session, _fulfilled(moved.wish))
    return moved.wish


def _fulfilled_before(session: Session, wish_id: UUID, claimer: Claimer | None, fence: int) -> Wish:
    """Return the wish where this claim was fulfilled before. Raises WishNotFound, ClaimLost."""
    wish = get_wish(session, wish_id)
    if wish.status not in PUBLIC:
        raise WishNotFound(f"No wish {wish_id}.")
    if wish.fence != fence or (claimer and wish.claimer_id != claimer.id):
        raise ClaimLost(f"Wish {wish_id} is not held by that claim any more.")
    if wish.status is WishStatus.PUBLISHED:
        raise ClaimLost(f"The claim on wish {wish_id} was released.")
    return wish


def confirm_wish(session: Session, wish_id: UUID, actor: str, *, not_by: Iterable[UUID]) -> Wish:
    """Agree, as station or staff, that the wish was granted; final. Publish `wish.confirmed`.

    `not_by`: the ids that the caller acts for; none of them may be the claimer. Repeating it
    changes nothing. Raises WishNotFound, WishNotReady, OwnWorkNotConfirmable.
    """
    moved = move(
        session,
        wish_id,
        WishStatus.CONFIRMED,
        actor,
        Wish.status == WishStatus.FULFILLED,
        Wish.claimer_id.not_in(list(not_by)),
    )
    if moved:
        uncount_claim(session, moved.claimer_id)
        publish(session, _confirmed(moved.wish))
        return moved.wish
    return _already(session, wish_id, WishStatus.CONFIRMED, not_by)


def refuse_fulfilment(
    session: Session,
    wish_id: UUID,
    actor: str,
    *,
    not_by: Iterable[UUID],
    reason: str | None = None,
) -> Wish:
    """Let the same claim go on with a new deadline, because the wish was not granted.

    It is published as `wish.claimed` with the same fence. Repeating it changes nothing. Raises
    WishNotFound, WishNotReady, OwnWorkNotConfirmable.
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
    if moved:
        publish(session, _claimed(moved.wish))
        return moved.wish
    return _already(session, wish_id, WishStatus.CLAIMED, not_by)


def _already(session: Session, wish_id: UUID, status: WishStatus, not_by: Iterable[UUID]) -> Wish:
    """Return the wish where it is in this state already. Raises why it could not be moved there."""
    wish = get_wish(session, wish_id)
    if wish.status is status:
        return wish
    if wish.status is WishStatus.FULFILLED and wish.claimer_id in set(not_by):
        raise OwnWorkNotConfirmable(f"Wish {wish.id} was granted by the caller.")
    raise not_ready(wish)


def set_standing(
    session: Session, volunteer_id: UUID, standing: Standing, sequence: int, cause: str | None
) -> None:
    """Store whether a volunteer may claim; with a cause, release what they have claimed.

    Of several events the newest by `sequence` counts. Fulfilled wishes stay: they wait for the
    station, not for the volunteer.
    """
    if note_standing(session, volunteer_id, standing, sequence) and cause is not None:
        _release_all(session, volunteer_id, cause)


def merge_claimer(session: Session, volunteer_id: UUID, into_id: UUID, sequence: int) -> None:
    """Move all wishes that a volunteer holds or granted to the volunteer that stays.

    `into_id` may itself have been merged already: the chain is followed.
    """
    if not note_standing(session, volunteer_id, Standing.MERGED, sequence, merged_into=into_id):
        return
    into_id = end_of_mergers(session, into_id)
    # Also what was granted long ago: the id of a duplicate names no volunteer any more.
    moved = session.scalars(
        update(Wish)
        .where(Wish.claimer_id == volunteer_id)
        .values(claimer_id=into_id)
        .returning(Wish.status)
        .execution_options(synchronize_session=False)
    ).all()
    held = sum(status in HELD for status in moved)
    if move_count(session, volunteer_id, into_id, held) is not Standing.GOOD:
        _release_all(session, into_id, "staff")


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
    )
    if moved:
        uncount_claim(session, moved.claimer_id)
        publish(session, _released(moved, cause))
    return moved


def _deadline() -> ColumnElement[datetime]:
    return app_now() + timedelta(days=own_settings().claim_lease_days)


def _claimer_of(wish: Wish) -> Claimer:
    if wish.claimer_id is None or wish.claimer_kind is None:
        raise AssertionError(f"Wish {wish.id} has no claimer.")  # the table's CHECK rules it out
    return Claimer(wish.claimer_id, wish.claimer_kind)


def _claimed(wish: Wish) -> WishClaimed:
    claimer = _claimer_of(wish)
    assert wish.lease_until is not None
    return WishClaimed(
        wish_id=wish.id,
        station_id=wish.station_id,
        title=wish.title,
        claimer_id=claimer.id,
        claimer_kind=claimer.kind,
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


def _fulfilled(wish: Wish) -> WishFulfilled:
    claimer = _claimer_of(wish)
    return WishFulfilled(
        wish_id=wish.id,
        station_id=wish.station_id,
        title=wish.title,
        claimer_id=claimer.id,
        claimer_kind=claimer.kind,
        fence=wish.fence,
    )


def _confirmed(wish: Wish) -> WishConfirmed:
    claimer = _claimer_of(wish)
    return WishConfirmed(
        wish_id=wish.id,
        station_id=wish.station_id,
        title=wish.title,
        claimer_id=claimer.id,
        claimer_kind=claimer.kind,
        proposed_minutes=wish.proposed_minutes,
    )
