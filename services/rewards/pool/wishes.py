"""Wishes that the pool can grant: a copy of what wishes publishes, and the vouchers given for them.

`status` follows the newest event, or is our grant until a newer event. `voucher_id` is what we
gave. Another voucher can be given for a wish only after the first one has come back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.rewards.ledger import journal
from services.rewards.ledger.accounts import check_standing, lock_accounts
from services.rewards.models import HandoverKind, PoolWish, PoolWishStatus, Voucher
from services.rewards.pool import allocation
from services.rewards.pool.requests import check_product, id_after_merges
from services.rewards.vouchers import handovers, holds
from services.rewards.vouchers.handovers import Handing
from services.rewards.vouchers.lifecycle import lock_free
from shared.contracts.rewards import PoolWishGranted
from shared.contracts.wishes import (
    ClaimerKind,
    WishClaimed,
    WishExpired,
    WishPublished,
    WishReleased,
    WishWithdrawn,
)
from shared.core.problems import Conflict, NotFound
from shared.db.statements import changed
from shared.messaging.outbox import publish

WishEvent = WishPublished | WishClaimed | WishReleased | WishWithdrawn | WishExpired


class PoolWishNotFound(NotFound):
    """The pool has no such wish."""


class PoolWishNotFree(Conflict):
    """This wish is no longer free, or the pool has granted it already."""


class PoolEmpty(Conflict):
    """The pool has no voucher of this product."""


@dataclass(frozen=True, slots=True)
class NewestState:
    """What a batch of events makes of one wish."""

    status: PoolWishStatus
    sequence: int
    station_id: UUID
    title: str | None = None
    category: str | None = None


def note_events(session: Session, events: Sequence[WishEvent]) -> None:
    """Keep the newest state of each wish, in any order of arrival.

    A voucher whose claim was released or withdrawn returns to the pool.
    """
    for wish_id, state in sorted(_newest_states(events).items()):
        _upsert(session, wish_id, state)
    for event in events:
        if (
            isinstance(event, WishReleased | WishWithdrawn)
            and event.claimer_kind is ClaimerKind.POOL
        ):
            bring_back(session, event.wish_id, event.claimer_id)


def _newest_states(events: Sequence[WishEvent]) -> dict[UUID, NewestState]:
    newest: dict[UUID, NewestState] = {}
    for event in sorted(events, key=lambda event: event.envelope.sequence):
        newest[event.wish_id] = _state_after(event, newest.get(event.wish_id))
    return newest


def _state_after(event: WishEvent, before: NewestState | None) -> NewestState:
    category = event.category if isinstance(event, WishPublished) else None
    return NewestState(
        status=_status(event),
        sequence=event.envelope.sequence,
        station_id=before.station_id if before else event.station_id,
        title=event.title or (before.title if before else None),
        category=category or (before.category if before else None),
    )


def _status(event: WishEvent) -> PoolWishStatus:
    if isinstance(event, WishPublished | WishReleased):
        return PoolWishStatus.OPEN
    ours = isinstance(event, WishClaimed) and event.claimer_kind is ClaimerKind.POOL
    return PoolWishStatus.GRANTED if ours else PoolWishStatus.CLOSED


def _upsert(session: Session, wish_id: UUID, state: NewestState) -> None:
    row = insert(PoolWish).values(
        wish_id=wish_id,
        station_id=state.station_id,
        category=state.category,
        title=state.title,
        status=state.status,
        sequence=state.sequence,
    )
    new = row.excluded
    is_newer = new.sequence > PoolWish.sequence
    update_ = {
        "status": case((is_newer, new.status), else_=PoolWish.status),
        "sequence": func.greatest(new.sequence, PoolWish.sequence),
        "category": func.coalesce(new.category, PoolWish.category),
        "title": func.coalesce(new.title, PoolWish.title),
    }
    session.execute(row.on_conflict_do_update(index_elements=["wish_id"], set_=update_))


def grant_wish(
    session: Session, wish_id: UUID, product_id: UUID, holder_id: UUID, by: str
) -> Voucher:
    """Take the voucher of a product that expires first out of the pool for a wish.

    `holder_id` hands it over. Wishes then claims the wish for the pool, or declines and the voucher
    comes back. Raises PoolWishNotFound, PoolWishNotFree, PoolEmpty, NoSuchProduct,
    AccountSuspended, AccountEnded.
    """
    check_product(session, product_id)
    account = lock_accounts(session, [holder_id]).get(holder_id)
    check_standing(account)
    _mark_granted(session, wish_id)
    found = allocation.pick(session, product_id)
    if found is None:
        raise PoolEmpty(f"The pool has no voucher of product {product_id}.")
    holder = id_after_merges(account, holder_id)
    given = handovers.hand_on(
        session, found, Handing(HandoverKind.WISH, by, receiver_id=holder, wish_id=wish_id)
    )
    session.execute(update(PoolWish).where(PoolWish.wish_id == wish_id).values(voucher_id=given.id))
    event = PoolWishGranted(
        wish_id=wish_id,
        voucher_id=given.id,
        product_id=product_id,
        title=given.title,
        holder_id=holder,
    )
    publish(session, event)
    return given


def _mark_granted(session: Session, wish_id: UUID) -> None:
    """Win a free wish for the pool. Raises PoolWishNotFound, PoolWishNotFree."""
    won = session.execute(
        update(PoolWish)
        .where(PoolWish.wish_id == wish_id, free())
        .values(status=PoolWishStatus.GRANTED)
        .execution_options(synchronize_session=False)
    )
    if changed(won):
        return
    if session.get(PoolWish, wish_id) is None:
        raise PoolWishNotFound(f"No wish {wish_id}.")
    raise PoolWishNotFree(f"Wish {wish_id} is not free.")


def free() -> ColumnElement[bool]:
    """Condition: open by the newest event, and we have given nothing for it."""
    return and_(PoolWish.status == PoolWishStatus.OPEN, PoolWish.voucher_id.is_(None))


def bring_back(session: Session, wish_id: UUID, voucher_id: UUID | None) -> None:
    """Return a voucher that was given for a wish to the pool, unless it was used or handed over.

    The grant is named by its voucher, so it ends once, however often or late an event arrives.
    """
    ended = _end_grant(session, wish_id, voucher_id)
    if voucher_id is None or not ended:
        return
    latest_id = handovers.latest_code(session, voucher_id)
    # Without this the hold would lapse while its holder has the voucher, and nothing would return
    # it later.
    holds.end_hold_of(session, latest_id)
    voucher = lock_free(session, latest_id, Voucher.holder_id.is_not(None))
    if voucher is not None:
        handing = Handing(
            HandoverKind.RETURN, journal.CLOCK, giver_id=voucher.holder_id, wish_id=wish_id
        )
        handovers.hand_on(session, voucher, handing)


def _end_grant(session: Session, wish_id: UUID, voucher_id: UUID | None) -> bool:
    """End the grant of this voucher; False if it has ended before."""
    granted = PoolWish.status == PoolWishStatus.GRANTED
    ended = session.execute(
        update(PoolWish)
        .where(PoolWish.wish_id == wish_id, PoolWish.voucher_id == voucher_id)
        .values(
            voucher_id=None, status=case((granted, PoolWishStatus.CLOSED), else_=PoolWish.status)
        )
        .execution_options(synchronize_session=False)
    )
    return bool(changed(ended))
