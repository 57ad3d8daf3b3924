"""A word before a voucher ends, so that it is used, or left to somebody who needs it."""

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from services.rewards.models import Voucher
from services.rewards.vouchers.lifecycle import about, free
from shared.contracts.rewards import VoucherExpiring
from shared.core.clock import app_now
from shared.messaging.outbox import publish

BEFORE = timedelta(days=7)


def remind_expiring(session: Session, limit: int = 500) -> int:
    """Say once of each unused voucher that its last day is seven days away. Returns how many; a
    full batch: more.

    One that was good for no longer than that is left out, and one that was handed on after its
    reminder: its holder just heard until when it can be used.
    """
    due = (
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
    reminded = session.scalars(
        update(Voucher)
        .where(Voucher.id.in_(due.scalar_subquery()))
        .values(reminded_at=app_now())
        .returning(Voucher)
        .execution_options(synchronize_session=False)
    ).all()
    publish(session, *(VoucherExpiring(**about(v), expires_at=v.expires_at) for v in reminded))
    return len(reminded)
