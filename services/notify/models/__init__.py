"""The tables that notify owns. No other service reads them."""

from services.notify.models.alerts import Alert
from services.notify.models.base import Base
from services.notify.models.deliveries import Delivery, DeliveryAttempt, DeliveryStatus
from services.notify.models.messages import Message, MessageKind
from services.notify.models.people import ErasedPerson, MergedPerson, Preference
from services.notify.models.subscriptions import EndedSubscription, Subscription, SubscriptionSecret

__all__ = [
    "Alert",
    "Base",
    "Delivery",
    "DeliveryAttempt",
    "DeliveryStatus",
    "EndedSubscription",
    "ErasedPerson",
    "MergedPerson",
    "Message",
    "MessageKind",
    "Preference",
    "Subscription",
    "SubscriptionSecret",
]
