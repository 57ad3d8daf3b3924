"""Celery entry points of notify: a few lines each, calling a verb."""

from uuid import UUID

from services.notify import alerts, audit, messages
from services.notify.webhooks import delivery
from shared.db.engine import transaction
from shared.jobs.periodic import job, periodic
from shared.service import auditing, housekeeping

housekeeping.declare("notify")
auditing.declare("notify", audit.CHECKS)


@job("notify.deliver_webhook")
def deliver_webhook(delivery_id: str) -> bool:
    """Send one delivery if it is due and nobody is sending it."""
    return delivery.send_one(UUID(delivery_id))


@periodic("notify.deliver_due", every_seconds=5)
def deliver_due() -> int:
    """Send what is due. When to try again is a column: a lost job or a second run does no harm."""
    return delivery.send_due()


@periodic("notify.forget_messages", every_seconds=60)
def forget_messages() -> None:
    """Delete one-time messages within a minute after they expire."""
    with transaction() as session:
        messages.forget_expired(session)


@periodic("notify.forget_old_deliveries", every_seconds=3600)
def forget_old_deliveries() -> None:
    """Delete deliveries after 30 days, and late alerts of erased people."""
    with transaction() as session:
        delivery.forget_old_deliveries(session)
        alerts.erase_late_alerts(session)
