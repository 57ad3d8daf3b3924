"""Delete what rewards keeps of venues for a limited time.

The ledger, vouchers and redemptions are kept for good.
"""

from datetime import timedelta

from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from services.rewards.models import FailedLook, LockOut, WebhookReceipt
from shared.core.clock import app_now
from shared.db.statements import changed

GUESSES_KEPT = timedelta(days=1)
RECEIPTS_KEPT = timedelta(days=90)
"""A message is accepted for 5 minutes only, so none is sent again after 90 days.

Its reference is kept with the redemption.
"""


def forget_guesses(session: Session) -> None:
    """Delete guesses older than a day, and lock-outs that ended more than a day ago."""
    session.execute(delete(FailedLook).where(FailedLook.looked_at < app_now() - GUESSES_KEPT))
    session.execute(delete(LockOut).where(LockOut.until < app_now() - GUESSES_KEPT))


def forget_receipts(session: Session, limit: int = 500) -> int:
    """Delete webhooks that were received more than 90 days ago.

    Returns how many; a full batch means that there may be more.
    """
    key = (WebhookReceipt.venue_id, WebhookReceipt.webhook_id)
    old = (
        select(*key)
        .where(WebhookReceipt.received_at < app_now() - RECEIPTS_KEPT)
        .order_by(WebhookReceipt.received_at)
        .limit(limit)
    )
    return changed(session.execute(delete(WebhookReceipt).where(tuple_(*key).in_(old))))
