"""Remind holders before a voucher expires, so that they use it or donate it to the pool."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from services.rewards.models import Voucher
from services.rewards.vouchers.lifecycle import about, free
from shared.contracts.rewards import VoucherExpiring
from shared.core.clock import app_now
from shared.messaging.outbox import publish

BEFORE = timedelta(days=7)


def remind_expiring(session: Session, limit: int = 500) -> int:
    """Publish `voucher.expiring` once for each unused voucher that expires within seven days.

    Vouchers whose whole validity is no longer than that are left out. A voucher that is handed on
    keeps its reminder: the new holder has just been notified of its last day. Returns how many; a
    full batch means that there may be more.
    """
    due = _due(limit).scalar_subquery()
    reminded = session.scalars(
        update(Voucher)
        .where(Voucher.id.in_(due))
        .values(reminded_at=app_now())
        .returning(Voucher)
        .execution_options(synchronize_session=False)
    ).all()
    events = [
        VoucherExpiring(**about(voucher), expires_at=voucher.expires_at) for voucher in reminded
    ]
    publish(session, *events)
    return len(reminded)


def _due(limit: int) -> Select[UUID]:
    return (
        select(Voucher.id)
        .where(
            free(),
            Voucher.holder_id.is_not(None),
            Voucher.reminded_at.is_(None),
            Voucher.expires_at > app_now(),
            Voucher.expires_at <= app_now() + BEFORE,
            Voucher.issued_at < Voucher.expires_at - BEFORE,
        )
        .order_by(Voucher.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
