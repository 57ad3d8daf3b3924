"""What notify says: when it could not make itself heard."""

from uuid import UUID

from shared.contracts.base import Event, event

STAFF_INBOX = UUID("00000000-0000-7000-8000-000000000001")
"""Not a person: the inbox that all centre staff share."""


@event("notify", "alert.failed", subject="alert_id", handled_by=("notify",))
class AlertFailed(Event):
    """No channel could deliver an alert; staff should look."""

    alert_id: UUID
    person_id: UUID
    topic: str


@event("notify", "subscription.disabled", subject="subscription_id", handled_by=("notify",))
class SubscriptionDisabled(Event):
    """A webhook receiver failed for days or answered 410; nothing more is sent until staff enable
    it again.
    """

    subscription_id: UUID
    reason: str
