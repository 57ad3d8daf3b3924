"""The pool 爱心券池: vouchers that were left to whoever needs them, and how they are given out, fairly.

Who received fewest in a year comes first, then who waits longest; vouchers that end first go first.
A voucher in the pool is nobody's: no counter knows its code, which dies when it is handed out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from services.rewards.ledger import journal
from services.rewards.models import (
    Account,
    AccountStatus,
    HandoverKind,
    PoolRequest,
    PoolRequestStatus,
    Voucher,
    VoucherOrigin,
    VoucherStatus,
)
from services.rewards.vouchers import handovers
from services.rewards.vouchers.handovers import Handing
from shared.core.clock import app_now

AT_ONCE = 100
"""Grants of one transaction: each costs ten statements, and others who want from the pool wait."""
A_YEAR = timedelta(days=365)
"""What somebody received longer ago no longer counts against them."""


def lies_there() -> ColumnElement[bool]:
    """In the pool, and still good."""
    return and_(
        Voucher.holder_id.is_(None),
        Voucher.origin != VoucherOrigin.SANDBOX,
        Voucher.status == VoucherStatus.ISSUED,
        Voucher.expires_at > app_now(),
    )


def contents(session: Session) -> Sequence[Row[UUID, UUID, str, int, datetime]]:
    """How many of each product there are, and when the first of them ends; nothing about
    persons.
    """
    return session.execute(
        select(
            Voucher.product_id,
            Voucher.venue_id,
            func.max(Voucher.title).label("title"),
            func.count().label("count"),
            func.min(Voucher.expires_at).label("first_expires_at"),
        )
        .where(lies_there())
        .group_by(Voucher.product_id, Voucher.venue_id)
        .order_by(func.min(Voucher.expires_at), Voucher.product_id)
    ).all()


def pick(session: Session, product_id: UUID | None) -> Voucher | None:
    """Lock the voucher that ends first, of a product if one is named, that nobody else is taking
    just now.
    """
    wanted = [Voucher.product_id == product_id] if product_id else []
    return session.scalars(
        select(Voucher)
        .where(lies_there(), *wanted)
        .order_by(Voucher.expires_at, Voucher.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def allocate(
    session: Session, limit: int = AT_ONCE, actor: str = journal.CLOCK
) -> list[PoolRequest]:
    """Give what lies in the pool to those who wait, at most to `limit` of them; returns whose
    request was granted.

    Allocations run one after another, so that each begins with who is first then. A person has one
    request waiting, so nobody gets two; of an allocation and whoever else wants the same voucher or
    withdraws the request, one wins.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("rewards.pool"))))
    granted, gone = [], set[UUID | None]()
    for request_id, product_id, received in session.execute(_in_order().limit(limit)).all():
        if gone & {product_id, None}:
            continue
        voucher = pick(session, product_id)
        if voucher is None:
            gone.add(product_id)
            continue
        request = _grant(session, request_id, voucher, received, actor)
        if request is not None:
            granted.append(request)
    return granted


def _grant(
    session: Session, request_id: UUID, voucher: Voucher, received: int, actor: str
) -> PoolRequest | None:
    """Win a request that still waits, and hand it the voucher, which is locked."""
    request = session.scalars(
        update(PoolRequest)
        .where(PoolRequest.id == request_id, PoolRequest.status == PoolRequestStatus.WAITING)
        .values(status=PoolRequestStatus.GRANTED, received_before=received, ended_at=app_now())
        .returning(PoolRequest)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if request is None:
        return None
    handing = Handing(
        HandoverKind.ALLOCATION, actor, receiver_id=request.holder_id, request_id=request_id
    )
    request.voucher_id = handovers.hand_on(session, voucher, handing).id
    session.flush()
    return request


def received_in_a_year() -> ColumnElement[int]:
    """SQL: how many the person of a request was granted in the year before now."""
    earlier = aliased(PoolRequest)
    return (
        select(func.count())
        .where(
            earlier.recipient_id == PoolRequest.recipient_id,
            earlier.status == PoolRequestStatus.GRANTED,
            earlier.ended_at > app_now() - A_YEAR,
        )
        .scalar_subquery()
    )


def _in_order() -> Select[UUID, UUID | None, int]:
    """Those who wait for something that is there, in the order of fairness."""
    received = received_in_a_year()
    there = exists().where(
        lies_there(),
        or_(PoolRequest.product_id.is_(None), Voucher.product_id == PoolRequest.product_id),
    )
    return (
        select(PoolRequest.id, PoolRequest.product_id, received.label("received"))
        .where(_is_waiting(), there)
        .order_by(received, PoolRequest.created_at, PoolRequest.id)
    )


def _is_waiting() -> ColumnElement[bool]:
    """Waiting, and for people whose accounts have neither ended nor been suspended."""
    barred = exists().where(
        Account.volunteer_id.in_([PoolRequest.recipient_id, PoolRequest.holder_id]),
        or_(Account.status != AccountStatus.OPEN, Account.suspended),
    )
    return and_(PoolRequest.status == PoolRequestStatus.WAITING, ~barred)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a request stands where it stands, or why it was granted when it was."""

    received_before: int  #: granted to this person in the year before: fewest come first
    waited_days: int  #: whole days until it ended, or until now; the longest wait comes next
    ahead: int | None  #: how many wait before it, for anything; None once it ended


def explain(session: Session, request: PoolRequest) -> Explanation:
    """Recompute the place of a waiting request; of a granted one say what was counted then."""
    until = request.ended_at or session.scalars(select(app_now())).one()
    days = (until - request.created_at).days
    if request.status is not PoolRequestStatus.WAITING:
        return Explanation(request.received_before or 0, days, None)
    mine = session.scalar(select(received_in_a_year()).where(PoolRequest.id == request.id)) or 0
    received = received_in_a_year()
    before = or_(
        received < mine, and_(received == mine, PoolRequest.created_at < request.created_at)
    )
    ahead = session.scalar(
        select(func.count()).select_from(PoolRequest).where(_is_waiting(), before)
    )
    return Explanation(mine, days, ahead or 0)
