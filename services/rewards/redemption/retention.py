"""What rewards keeps of venues only for a while. The ledger, vouchers and redemptions stay for
good.
"""

from datetime import timedelta

from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from services.rewards.models import FailedLook, LockOut, WebhookReceipt
from shared.core.clock import app_now
from shared.db.statements import changed

GUESSES_KEPT = timedelta(days=1)
RECEIPTS_KEPT = timedelta(days=90)
"""A message is taken for 5 minutes only, so none comes back after that; its reference stays with
the redemption.
"""


def forget_guesses(session: Session) -> None:
    """Drop guesses of more than a day ago, and lock-outs that ended before that."""
    session.execute(delete(FailedLook).where(FailedLook.looked_at < app_now() - GUESSES_KEPT))
    session.execute(delete(LockOut).where(LockOut.until < app_now() - GUESSES_KEPT))


def forget_receipts(session: Session, limit: int = 500) -> int:
    """Drop webhooks that were taken in more than 90 days ago. Returns how many; a full batch: there
    may be more.
    """
    key = (WebhookReceipt.venue_id, WebhookReceipt.webhook_id)
    old = (
        select(*key)
        .where(WebhookReceipt.received_at < app_now() - RECEIPTS_KEPT)
        .order_by(WebhookReceipt.received_at)
        .limit(limit)
    )
    return changed(session.execute(delete(WebhookReceipt).where(tuple_(*key).in_(old))))
