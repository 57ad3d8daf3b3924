"""Wishes that the pool can grant: a newest-wins copy of what wishes says, and the vouchers given
for them.

Two columns, two voices: `status` is the newest word of wishes (or our grant, until wishes speaks
again), `voucher_id` is what we gave. A wish is free for another voucher only when the former one
came back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.rewards.ledger import journal
from services.rewards.ledger.accounts import check_standing, lock_accounts
from services.rewards.models import HandoverKind, PoolWish, PoolWishStatus, Product, Voucher
from services.rewards.pool import allocation
from services.rewards.rules.versions import NoSuchProduct
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

WishWord = WishPublished | WishClaimed | WishReleased | WishWithdrawn | WishExpired


class PoolWishNotFound(NotFound):
    """The pool knows of no such wish."""


class PoolWishNotFree(Conflict):
    """This wish is no longer free, or the pool has given for it already."""


class PoolEmpty(Conflict):
    """Nothing of this lies in the pool."""


@dataclass(slots=True)
class Told:
    """What a batch of facts says about one wish."""

    status: PoolWishStatus
    sequence: int
    station_id: UUID
    title: str | None = None
    category: str | None = None


def note_words(session: Session, events: Sequence[WishWord]) -> None:
    """Keep the newest state of each wish, in whatever order the facts come; a claim of ours that
    ended comes back.
    """
    told: dict[UUID, Told] = {}
    for event in sorted(events, key=lambda event: event.envelope.sequence):
        one = told.setdefault(
            event.wish_id, Told(_state(event), event.envelope.sequence, event.station_id)
        )
        one.status, one.sequence, one.title = (
            _state(event),
            event.envelope.sequence,
            event.title or one.title,
        )
        one.category = event.category if isinstance(event, WishPublished) else one.category
    for wish_id, one in sorted(told.items()):
        _keep(session, wish_id, one)
    for event in events:
        if (
            isinstance(event, WishReleased | WishWithdrawn)
            and event.claimer_kind is ClaimerKind.POOL
        ):
            bring_back(session, event.wish_id, event.claimer_id)


def _state(event: WishWord) -> PoolWishStatus:
    if isinstance(event, WishPublished | WishReleased):
        return PoolWishStatus.OPEN
    ours = isinstance(event, WishClaimed) and event.claimer_kind is ClaimerKind.POOL
    return PoolWishStatus.GRANTED if ours else PoolWishStatus.CLOSED


def _keep(session: Session, wish_id: UUID, told: Told) -> None:
    row = insert(PoolWish).values(
        wish_id=wish_id,
        station_id=told.station_id,
        category=told.category,
        title=told.title,
        status=told.status,
        sequence=told.sequence,
    )
    new = row.excluded
    session.execute(
        row.on_conflict_do_update(
            index_elements=["wish_id"],
            set_={
                "status": case(
                    (new.sequence > PoolWish.sequence, new.status), else_=PoolWish.status
                ),
                "sequence": func.greatest(new.sequence, PoolWish.sequence),
                "category": func.coalesce(new.category, PoolWish.category),
                "title": func.coalesce(new.title, PoolWish.title),
            },
        )
    )


def grant_wish(
    session: Session, wish_id: UUID, product_id: UUID, holder_id: UUID, by: str
) -> Voucher:
    """Take the voucher of a product that ends first out of the pool for a wish; `holder_id` hands
    it over.

    Wishes then claims the wish for the pool, or declines and the voucher comes back. Raises
    PoolWishNotFound, PoolWishNotFree, PoolEmpty, NoSuchProduct, AccountSuspended, AccountEnded.
    """
    if session.get(Product, product_id) is None:
        raise NoSuchProduct(
            f"No product {product_id}.", errors=[{"pointer": "/product_id", "detail": "unknown"}]
        )
    account = lock_accounts(session, [holder_id]).get(holder_id)
    check_standing(account)
    won = session.execute(
        update(PoolWish)
        .where(PoolWish.wish_id == wish_id, free())
        .values(status=PoolWishStatus.GRANTED)
        .execution_options(synchronize_session=False)
    )
    if not changed(won):
        if session.get(PoolWish, wish_id) is None:
            raise PoolWishNotFound(f"No wish {wish_id}.")
        raise PoolWishNotFree(f"Wish {wish_id} is not free.")
    found = allocation.pick(session, product_id)
    if found is None:
        raise PoolEmpty(f"Nothing of product {product_id} lies in the pool.")
    holder = account.volunteer_id if account else holder_id
    given = handovers.hand_on(
        session, found, Handing(HandoverKind.WISH, by, receiver_id=holder, wish_id=wish_id)
    )
    session.execute(update(PoolWish).where(PoolWish.wish_id == wish_id).values(voucher_id=given.id))
    publish(
        session,
        PoolWishGranted(
            wish_id=wish_id,
            voucher_id=given.id,
            product_id=product_id,
            title=given.title,
            holder_id=holder,
        ),
    )
    return given


def free() -> ColumnElement[bool]:
    """On the tree by the newest word, and nothing of ours given for it."""
    return and_(PoolWish.status == PoolWishStatus.OPEN, PoolWish.voucher_id.is_(None))


def bring_back(session: Session, wish_id: UUID, voucher_id: UUID | None) -> None:
    """A voucher given for a wish is not needed there: unless it was used or handed over, it returns
    to the pool.

    The grant is named by the voucher that was given, so it ends once, whatever comes twice or late.
    """
    ended = session.execute(
        update(PoolWish)
        .where(PoolWish.wish_id == wish_id, PoolWish.voucher_id == voucher_id)
        .values(
            voucher_id=None,
            status=case(
                (PoolWish.status == PoolWishStatus.GRANTED, PoolWishStatus.CLOSED),
                else_=PoolWish.status,
            ),
        )
        .execution_options(synchronize_session=False)
    )
    if voucher_id is None or not changed(ended):
        return
    latest_id = handovers.latest_code(session, voucher_id)
    holds.end_hold_of(
        session, latest_id
    )  # else it would lapse in its holder's hands, and nobody would come again
    voucher = lock_free(session, latest_id, Voucher.holder_id.is_not(None))
    if voucher is not None:
        handing = Handing(
            HandoverKind.RETURN, journal.CLOCK, giver_id=voucher.holder_id, wish_id=wish_id
        )
        handovers.hand_on(session, voucher, handing)
