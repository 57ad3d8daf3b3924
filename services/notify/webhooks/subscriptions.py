"""Webhook subscriptions of other systems: which events go where, signed with which secrets."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.notify.models import (
    Delivery,
    DeliveryStatus,
    EndedSubscription,
    Subscription,
    SubscriptionSecret,
)
from services.notify.webhooks.sender import check_url
from shared.auth.webhook_signatures import new_secret
from shared.contracts.base import Event, events_handled_by
from shared.contracts.registration import PersonAccessChanged
from shared.core import clock
from shared.core.clock import app_now
from shared.core.crypto import Vault, vault
from shared.core.ids import new_id
from shared.core.problems import Conflict, NotFound, invalid
from shared.core.settings import Settings
from shared.db.statements import changed

OVERLAP = timedelta(hours=24)  #: in which both secrets sign after a rotation
TEST_TYPE = "subscription.tested"


class SubscriptionNotFound(NotFound):
    """There is no such subscription."""


class SubscriptionIsDisabled(Conflict):
    """This subscription is disabled. Enable it first."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """What decides whether a subscription gets an event, and when."""

    id: UUID
    events: Sequence[str]
    venue_id: UUID | None
    disabled_at: datetime | None
    failing_since: datetime | None

    def wants(self, event: Event) -> bool:
        """Whether it subscribed to this type and, with a venue, the event names the venue."""
        venue_id = getattr(event, "venue_id", None)
        return event.type in self.events and self.venue_id in (None, venue_id)

    @property
    def is_healthy(self) -> bool:
        return self.disabled_at is None and self.failing_since is None


def event_types() -> set[str]:
    """Return what may be subscribed to: what notify handles, except our own access control."""
    return {cls.type for cls in events_handled_by("notify") if cls is not PersonAccessChanged}


def subscribe(
    session: Session,
    settings: Settings,
    *,
    url: str,
    events: Sequence[str],
    venue_id: UUID | None,
    created_by: UUID,
) -> tuple[Subscription, str]:
    """Send events of these types to this address from now on.

    Returns the subscription and its secret, which is shown once. Raises Unprocessable for an
    address that is not public https, or for an unknown event type.
    """
    check_url(settings, url)
    _check_types(events)
    subscription = Subscription(
        id=new_id(), url=url, events=sorted(set(events)), venue_id=venue_id, created_by=created_by
    )
    session.add(subscription)
    session.flush()
    session.refresh(subscription)
    return subscription, _add_secret(session, settings, subscription.id)


def _check_types(events: Sequence[str]) -> None:
    known = event_types()
    for position, event in enumerate(events):
        if event not in known:
            raise invalid(f"/events/{position}", "This event type cannot be subscribed to.")


def get_subscription(session: Session, subscription_id: UUID) -> Subscription:
    """Return a subscription. Raises SubscriptionNotFound."""
    found = session.get(Subscription, subscription_id, populate_existing=True)
    if found is None:
        raise SubscriptionNotFound(f"No subscription {subscription_id}.")
    return found


def unsubscribe(session: Session, subscription_id: UUID) -> None:
    """Delete a subscription with all its deliveries. Repeating it changes nothing.

    Raises SubscriptionNotFound when there never was one.
    """
    deleted = session.execute(delete(Subscription).where(Subscription.id == subscription_id))
    if changed(deleted):
        session.add(EndedSubscription(id=subscription_id))
    elif session.get(EndedSubscription, subscription_id) is None:
        raise SubscriptionNotFound(f"No subscription {subscription_id}.")


def rotate_secret(session: Session, settings: Settings, subscription_id: UUID) -> str:
    """Create a new secret; for 24 hours the previous one signs, too.

    Raises SubscriptionNotFound.
    """
    found = session.get(Subscription, subscription_id, with_for_update=True)
    if found is None:
        raise SubscriptionNotFound(f"No subscription {subscription_id}.")
    current = (
        SubscriptionSecret.subscription_id == subscription_id,
        SubscriptionSecret.valid_until.is_(None),
    )
    session.execute(
        update(SubscriptionSecret).where(*current).values(valid_until=app_now() + OVERLAP)
    )
    return _add_secret(session, settings, subscription_id)


def secrets_of(session: Session, settings: Settings, subscription_id: UUID) -> list[str]:
    """Return the secrets that sign now, newest first."""
    valid = or_(
        SubscriptionSecret.valid_until.is_(None), SubscriptionSecret.valid_until > app_now()
    )
    rows = session.scalars(
        select(SubscriptionSecret.sealed)
        .where(SubscriptionSecret.subscription_id == subscription_id, valid)
        .order_by(SubscriptionSecret.id.desc())
    )
    unseal = _secret_vault(settings).unseal
    return [unseal(sealed) for sealed in rows]


def enable_subscription(session: Session, subscription_id: UUID) -> Subscription:
    """Send from now on; `recover` sends what was held. Repeating it changes nothing."""
    session.execute(
        update(Subscription)
        .where(Subscription.id == subscription_id, Subscription.disabled_at.is_not(None))
        .values(disabled_at=None, disabled_reason=None, failing_since=None)
    )
    return get_subscription(session, subscription_id)


def recover(session: Session, subscription_id: UUID, since: datetime) -> int:
    """Make everything undelivered since a moment due again, with all its attempts.

    Returns how many deliveries. Raises SubscriptionNotFound, SubscriptionIsDisabled.
    """
    _check_enabled(session, subscription_id)
    undelivered = (
        Delivery.subscription_id == subscription_id,
        Delivery.status.in_([DeliveryStatus.DEAD, DeliveryStatus.HELD]),
        Delivery.created_at >= since,
    )
    recovered = session.execute(
        update(Delivery)
        .where(*undelivered)
        .values(status=DeliveryStatus.WAITING, attempts=0, due_at=app_now(), claimed_until=None)
    )
    return changed(recovered)


def ping(session: Session, subscription_id: UUID) -> UUID:
    """Create a delivery with a test message. Returns the message's id.

    Raises SubscriptionNotFound, SubscriptionIsDisabled.
    """
    _check_enabled(session, subscription_id)
    event_id = new_id()
    session.add(
        Delivery(
            subscription_id=subscription_id,
            event_id=event_id,
            event_type=TEST_TYPE,
            body=_test_message(event_id, subscription_id),
        )
    )
    session.flush()
    return event_id


def _check_enabled(session: Session, subscription_id: UUID) -> None:
    if get_subscription(session, subscription_id).disabled_at is not None:
        raise SubscriptionIsDisabled(f"Subscription {subscription_id} is disabled.")


def _test_message(event_id: UUID, subscription_id: UUID) -> str:
    """Make a CloudEvent that no contract describes: it is not an event between services."""
    message = {
        "specversion": "1.0",
        "id": str(event_id),
        "source": "/notify",
        "type": TEST_TYPE,
        "subject": str(subscription_id),
        "time": clock.now().isoformat(),
        "datacontenttype": "application/json",
        "data": {"subscription_id": str(subscription_id)},
    }
    return json.dumps(message)


_SUBSCRIBERS = select(
    Subscription.id,
    Subscription.events,
    Subscription.venue_id,
    Subscription.disabled_at,
    Subscription.failing_since,
)
_CREATE_DELIVERIES = (
    insert(Delivery).on_conflict_do_nothing().returning(Delivery.id, Delivery.subscription_id)
)


def create_deliveries(session: Session, events: Iterable[Event]) -> list[UUID]:
    """Create one delivery for each event and each subscription to it.

    Returns those to send at once: new, and to a subscriber that is not known to fail. While a
    subscription is disabled its deliveries are held, so that `recover` finds them.
    """
    subscribers = [Subscriber(*row) for row in session.execute(_SUBSCRIBERS)]
    rows = [
        _delivery_row(event, subscriber)
        for event in events
        for subscriber in subscribers
        if subscriber.wants(event)
    ]
    if not rows:
        return []
    # Sorted, so that two consumers that received the same events lock in one order.
    rows.sort(key=lambda row: (row["event_id"], row["subscription_id"]))
    created = session.execute(_CREATE_DELIVERIES, rows).all()
    healthy = {subscriber.id for subscriber in subscribers if subscriber.is_healthy}
    return [row.id for row in created if row.subscription_id in healthy]


def _delivery_row(event: Event, subscriber: Subscriber) -> Mapping[str, object]:
    return {
        "id": new_id(),
        "subscription_id": subscriber.id,
        "event_id": event.envelope.id,
        "event_type": event.type,
        "body": event.envelope.body,
        "status": DeliveryStatus.HELD if subscriber.disabled_at else DeliveryStatus.WAITING,
    }


def _add_secret(session: Session, settings: Settings, subscription_id: UUID) -> str:
    secret = new_secret()
    sealed = _secret_vault(settings).seal(secret)
    session.add(SubscriptionSecret(subscription_id=subscription_id, sealed=sealed))
    session.flush()
    return secret


def _secret_vault(settings: Settings) -> Vault:
    return vault(settings, "subscription_secrets.sealed")
