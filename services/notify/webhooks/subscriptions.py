"""Webhook subscriptions of other systems: who is sent which facts, with which secrets."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
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

OVERLAP = timedelta(hours=24)


class SubscriptionNotFound(NotFound):
    """There is no such subscription."""


class SubscriptionIsDisabled(Conflict):
    """This subscription is disabled. Enable it first."""


def event_types() -> set[str]:
    """What may be subscribed to: every fact notify hears, except our own access control."""
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
    """Send these facts to this address from now on. Returns the subscription and its secret, which
    is shown once.

    Raises Unprocessable for an address that is not public https, or for an unknown event type.
    """
    check_url(settings, url)
    known = event_types()
    for position, event in enumerate(events):
        if event not in known:
            raise invalid(f"/events/{position}", "This event type cannot be subscribed to.")
    subscription = Subscription(
        id=new_id(), url=url, events=sorted(set(events)), venue_id=venue_id, created_by=created_by
    )
    session.add(subscription)
    session.flush()
    session.refresh(subscription)
    return subscription, _add_secret(session, settings, subscription.id)


def find_subscription(session: Session, subscription_id: UUID) -> Subscription:
    """Raises SubscriptionNotFound."""
    found = session.get(Subscription, subscription_id, populate_existing=True)
    if found is None:
        raise SubscriptionNotFound(f"No subscription {subscription_id}.")
    return found


def unsubscribe(session: Session, subscription_id: UUID) -> None:
    """Delete a subscription with all its deliveries. Repeating it changes nothing.

    Raises SubscriptionNotFound when there never was one.
    """
    gone = session.execute(delete(Subscription).where(Subscription.id == subscription_id))
    if changed(gone):
        session.add(EndedSubscription(id=subscription_id))
    elif session.get(EndedSubscription, subscription_id) is None:
        raise SubscriptionNotFound(f"No subscription {subscription_id}.")


def rotate_secret(session: Session, settings: Settings, subscription_id: UUID) -> str:
    """A new secret; the one before signs along for 24 hours. Raises SubscriptionNotFound."""
    found = session.get(Subscription, subscription_id, with_for_update=True)
    if found is None:
        raise SubscriptionNotFound(f"No subscription {subscription_id}.")
    session.execute(
        update(SubscriptionSecret)
        .where(
            SubscriptionSecret.subscription_id == subscription_id,
            SubscriptionSecret.valid_until.is_(None),
        )
        .values(valid_until=app_now() + OVERLAP)
    )
    return _add_secret(session, settings, subscription_id)


def secrets_of(session: Session, settings: Settings, subscription_id: UUID) -> list[str]:
    """The secrets that sign now, newest first."""
    valid = or_(
        SubscriptionSecret.valid_until.is_(None), SubscriptionSecret.valid_until > app_now()
    )
    rows = session.scalars(
        select(SubscriptionSecret.sealed)
        .where(SubscriptionSecret.subscription_id == subscription_id, valid)
        .order_by(SubscriptionSecret.id.desc())
    )
    box = _box(settings)
    return [box.unseal(sealed) for sealed in rows]


def enable_subscription(session: Session, subscription_id: UUID) -> Subscription:
    """Send again from now on; `recover` sends what was held back. Repeating it changes nothing."""
    session.execute(
        update(Subscription)
        .where(Subscription.id == subscription_id, Subscription.disabled_at.is_not(None))
        .values(disabled_at=None, disabled_reason=None, failing_since=None)
    )
    return find_subscription(session, subscription_id)


def recover(session: Session, subscription_id: UUID, since: datetime) -> int:
    """Make everything undelivered since a moment due again, with all its attempts. Returns how many
    deliveries.

    Raises SubscriptionNotFound, SubscriptionIsDisabled.
    """
    if find_subscription(session, subscription_id).disabled_at is not None:
        raise SubscriptionIsDisabled(f"Subscription {subscription_id} is disabled.")
    return changed(
        session.execute(
            update(Delivery)
            .where(
                Delivery.subscription_id == subscription_id,
                Delivery.status.in_([DeliveryStatus.DEAD, DeliveryStatus.HELD]),
                Delivery.created_at >= since,
            )
            .values(status=DeliveryStatus.WAITING, attempts=0, due_at=app_now(), claimed_until=None)
        )
    )


def ping(session: Session, subscription_id: UUID) -> UUID:
    """Put a test message on its way. Returns its id. Raises SubscriptionNotFound,
    SubscriptionIsDisabled.
    """
    if find_subscription(session, subscription_id).disabled_at is not None:
        raise SubscriptionIsDisabled(f"Subscription {subscription_id} is disabled.")
    event_id = new_id()
    body = {
        "specversion": "1.0",
        "id": str(event_id),
        "source": "/notify",
        "type": "subscription.tested",
        "subject": str(subscription_id),
        "time": clock.now().isoformat(),
        "datacontenttype": "application/json",
        "data": {"subscription_id": str(subscription_id)},
    }
    session.add(
        Delivery(
            subscription_id=subscription_id,
            event_id=event_id,
            event_type="subscription.tested",
            body=json.dumps(body),
        )
    )
    session.flush()
    return event_id


def queue_deliveries(session: Session, events: Iterable[Event]) -> list[UUID]:
    """One delivery per subscription that asked for a fact. Returns those to send at once: new, and
    not known to fail.

    While a subscription is disabled its deliveries are held, so that `recover` finds them.
    """
    subscriptions = session.execute(
        select(
            Subscription.id,
            Subscription.events,
            Subscription.venue_id,
            Subscription.disabled_at,
            Subscription.failing_since,
        )
    ).all()
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "subscription_id": s.id,
            "event_id": event.envelope.id,
            "event_type": event.type,
            "body": event.envelope.body,
            "status": DeliveryStatus.HELD if s.disabled_at else DeliveryStatus.WAITING,
        }
        for event in events
        for s in subscriptions
        if event.type in s.events and s.venue_id in (None, getattr(event, "venue_id", None))
    ]
    if not rows:
        return []
    rows.sort(key=lambda row: (row["event_id"], row["subscription_id"]))
    well = {s.id for s in subscriptions if s.disabled_at is None and s.failing_since is None}
    new = session.execute(
        insert(Delivery).on_conflict_do_nothing().returning(Delivery.id, Delivery.subscription_id),
        rows,
    ).all()
    return [row.id for row in new if row.subscription_id in well]


def _add_secret(session: Session, settings: Settings, subscription_id: UUID) -> str:
    secret = new_secret()
    session.add(
        SubscriptionSecret(subscription_id=subscription_id, sealed=_box(settings).seal(secret))
    )
    session.flush()
    return secret


def _box(settings: Settings) -> Vault:
    return vault(settings, "subscription_secrets.sealed")
