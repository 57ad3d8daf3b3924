"""The events that notify publishes, and the id of the inbox that staff share."""

from uuid import UUID

from shared.contracts.base import Event, event
from shared.contracts.bounds import Code

STAFF_INBOX = UUID("00000000-0000-7000-8000-000000000001")
"""Not a person: the inbox that all centre staff share."""


@event("notify", "subscription.disabled", subject="subscription_id", handled_by=("notify",))
class SubscriptionDisabled(Event):
    """A webhook receiver failed for days or answered 410. Nothing more is sent until staff enable
    it again.
    """

    subscription_id: UUID
    reason: Code  #: gone (it answered 410), failing (five days of failures)
