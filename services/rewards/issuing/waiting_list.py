"""Backorders 等候库存, as each person sees their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from services.rewards.models import Backorder, BackorderStatus, Product

MOST = 50


@dataclass(frozen=True, slots=True)
class Waiting:
    """One backorder and its place among those of the product; its points are held."""

    product_id: UUID
    title: str
    points: int
    place: int  #: 1 is served next
    since: datetime


def waiting_of(session: Session, volunteer_id: UUID) -> Sequence[Waiting]:
    """List what a volunteer waits for, oldest first; the first 50."""
    before = aliased(Backorder)
    place = (
        select(func.count())
        .where(
            before.product_id == Backorder.product_id,
            before.status == BackorderStatus.WAITING,
            before.id <= Backorder.id,
        )
        .scalar_subquery()
    )
    rows = session.execute(
        select(Backorder.product_id, Product.title, Backorder.points, place, Backorder.created_at)
        .join(Product, Product.id == Backorder.product_id)
        .where(Backorder.volunteer_id == volunteer_id, Backorder.status == BackorderStatus.WAITING)
        .order_by(Backorder.id)
        .limit(MOST)
    )
    return [Waiting(*row) for row in rows]
