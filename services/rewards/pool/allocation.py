"""The pool 爱心券池: vouchers donated for people in need, and how they are given out fairly.

Who received fewest in a year comes first, then who has waited longest. Vouchers that expire first
go first. A voucher in the pool has no holder: no counter accepts its code, and the code is void
once the voucher is given out.
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
"""Grants in one transaction: each costs ten statements, and other users of the pool wait."""
A_YEAR = timedelta(days=365)
"""What somebody received longer ago does not count against them."""


def in_pool() -> ColumnElement[bool]:
    """Condition: the voucher is in the pool and has not expired."""
    return and_(
        Voucher.holder_id.is_(None),
        Voucher.origin != VoucherOrigin.SANDBOX,
        Voucher.status == VoucherStatus.ISSUED,
        Voucher.expires_at > app_now(),
    )


def contents(session: Session) -> Sequence[Row[UUID, UUID, str, int, datetime]]:
    """Count the vouchers of each product, with the first expiry. Names no persons."""
    return session.execute(
        select(
            Voucher.product_id,
            Voucher.venue_id,
            func.max(Voucher.title).label("title"),
            func.count().label("count"),
            func.min(Voucher.expires_at).label("first_expires_at"),
        )
        .where(in_pool())
        .group_by(Voucher.product_id, Voucher.venue_id)
        .order_by(func.min(Voucher.expires_at), Voucher.product_id)
    ).all()


def pick(session: Session, product_id: UUID | None) -> Voucher | None:
    """Lock the voucher that expires first, of one product or (None) of any.

    Vouchers that another transaction is taking are skipped.
    """
    wanted = [Voucher.product_id == product_id] if product_id else []
    return session.scalars(
        select(Voucher)
        .where(in_pool(), *wanted)
        .order_by(Voucher.expires_at, Voucher.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def allocate(
    session: Session, limit: int = AT_ONCE, actor: str = journal.CLOCK
) -> list[PoolRequest]:
    """Give the pool's vouchers to at most `limit` waiting requests; return the granted ones.

    Allocations run one after another, so that each begins with who is first then. A person has one
    waiting request, so nobody gets two vouchers. If somebody else takes the voucher or withdraws
    the request at the same moment, one of the two wins.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("rewards.pool"))))
    granted: list[PoolRequest] = []
    exhausted: set[UUID | None] = set()
    for request_id, product_id, received in session.execute(_requests_in_order(limit)).all():
        if product_id in exhausted or None in exhausted:
            continue
        voucher = pick(session, product_id)
        if voucher is None:
            exhausted.add(product_id)
            continue
        request = _grant(session, request_id, voucher, received, actor)
        if request is not None:
            granted.append(request)
    return granted


def _grant(
    session: Session, request_id: UUID, voucher: Voucher, received: int, actor: str
) -> PoolRequest | None:
    """Grant a request if it still waits, and hand over the voucher, which is locked."""
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
    """SQL: how many vouchers the person of a request was granted in the year before now."""
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


def _requests_in_order(limit: int) -> Select[UUID, UUID | None, int]:
    """Select requests for which the pool has a voucher, in the order of fairness."""
    received = received_in_a_year()
    available = exists().where(
        in_pool(),
        or_(PoolRequest.product_id.is_(None), Voucher.product_id == PoolRequest.product_id),
    )
    return (
        select(PoolRequest.id, PoolRequest.product_id, received.label("received"))
        .where(_is_waiting(), available)
        .order_by(received, PoolRequest.created_at, PoolRequest.id)
        .limit(limit)
    )


def _is_waiting() -> ColumnElement[bool]:
    """Condition: waiting, and the accounts of its people are neither ended nor suspended."""
    barred = exists().where(
        Account.volunteer_id.in_([PoolRequest.recipient_id, PoolRequest.holder_id]),
        or_(Account.status != AccountStatus.OPEN, Account.suspended),
    )
    return and_(PoolRequest.status == PoolRequestStatus.WAITING, ~barred)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a request has its place in the order, or why it was granted when it was."""

    received_before: int  #: granted to this person in the year before: fewest come first
    waited_days: int  #: whole days until it ended, or until now; the longest wait comes next
    ahead: int | None  #: how many requests, for any product, come first; None once it ended


def explain(session: Session, request: PoolRequest) -> Explanation:
    """Compute the place of a waiting request; for one that ended, show what was counted then."""
    until = request.ended_at or session.scalars(select(app_now())).one()
    days = (until - request.created_at).days
    if request.status is not PoolRequestStatus.WAITING:
        return Explanation(request.received_before or 0, days, None)
    own = select(received_in_a_year()).where(PoolRequest.id == request.id)
    received = session.scalar(own) or 0
    return Explanation(received, days, _count_ahead(session, request, received))


def _count_ahead(session: Session, request: PoolRequest, received: int) -> int:
    of_others = received_in_a_year()
    waits_longer = and_(of_others == received, PoolRequest.created_at < request.created_at)
    ahead = select(func.count()).select_from(PoolRequest)
    ahead = ahead.where(_is_waiting(), or_(of_others < received, waits_longer))
    return session.scalar(ahead) or 0
