"""Sending what is due: claim a row and commit, send without a transaction, write down how it went.

When to try again is a column. A sender that dies leaves its claim to run out, and the row is sent
again with the same `webhook-id`. A slow receiver holds at most IN_FLIGHT senders; everybody else's
rows pass it.
"""

import contextvars
import random
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, literal, text, update
from sqlalchemy.orm import Session

from services.notify.models import Delivery, DeliveryAttempt, DeliveryStatus, Subscription
from services.notify.webhooks import subscriptions
from services.notify.webhooks.sender import Answer, post, signing_moment
from shared.auth.webhook_signatures import sign
from shared.contracts.notify import SubscriptionDisabled
from shared.core.clock import app_now
from shared.core.logs import get_logger
from shared.db.engine import current_database, transaction
from shared.db.statements import changed
from shared.messaging.outbox import publish

log = get_logger(__name__)

SCHEDULE = [timedelta(seconds=s) for s in (5, 300, 1800, 7200, 18000, 36000, 36000)]
"""Waits after a failed attempt, as Standard Webhooks recommends; when it is spent the delivery is
dead.
"""
LEASE = timedelta(seconds=60)
IN_FLIGHT = 4  #: per subscription
SENDERS = 16
SWEEP_SECONDS = 20
DISABLED_AFTER = timedelta(days=5)
KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery this process may send until the lease ends."""

    id: UUID
    subscription_id: UUID
    event_id: UUID
    body: str
    attempts: int  #: this one included


def send_due() -> int:
    """Send what is due until nothing is, or for 20 s. Returns how many were sent. Running it twice
    is harmless.
    """
    sent, until = 0, monotonic() + SWEEP_SECONDS
    running: set[Future[None]] = set()
    with ThreadPoolExecutor(SENDERS) as senders:
        while monotonic() < until:
            with transaction() as session:
                claims = claim_due(session, SENDERS - len(running))
            # Each sender finds the current database where this thread did.
            running |= {
                senders.submit(contextvars.copy_context().run, send, claim) for claim in claims
            }
            sent += len(claims)
            if not running:
                break
            done, running = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
    return sent


def send_one(delivery_id: UUID) -> bool:
    """Send one delivery if it is due and nobody is sending it. Says whether it was this call."""
    with transaction() as session:
        claims = claim_due(session, 1, delivery_id)
    for claim in claims:
        send(claim)
    return bool(claims)


_CLAIM = text("""
    UPDATE deliveries SET claimed_until = app_now() + :lease, attempts = attempts + 1
    WHERE id IN (
        SELECT due.id FROM subscriptions CROSS JOIN LATERAL (
            SELECT id, due_at FROM deliveries
            WHERE subscription_id = subscriptions.id AND status = 'waiting' AND due_at <= app_now()
              AND (claimed_until IS NULL OR claimed_until < app_now()) AND id = coalesce(:only, id)
            ORDER BY due_at LIMIT :in_flight - (
                SELECT least(count(*), :in_flight) FROM deliveries
                WHERE subscription_id = subscriptions.id AND status = 'waiting' AND claimed_until >= app_now())
            FOR UPDATE SKIP LOCKED
        ) AS due
        WHERE disabled_at IS NULL ORDER BY due.due_at LIMIT :most)
    RETURNING id, subscription_id, event_id, body, attempts
""")


def claim_due(session: Session, most: int, only: UUID | None = None) -> Sequence[Claim]:
    """Take up to `most` due deliveries for 60 s, a few per subscription. The caller commits before
    it sends.
    """
    values = {"lease": LEASE, "in_flight": IN_FLIGHT, "most": most, "only": only}
    return [Claim(*row) for row in session.execute(_CLAIM.bindparams(**values))]


def send(claim: Claim) -> None:
    """Send one claimed delivery and write down the outcome. No transaction is open meanwhile."""
    settings = current_database().settings
    with transaction() as session:
        subscription = session.get(Subscription, claim.subscription_id)
        if subscription is None:
            return
        if claim.attempts > len(SCHEDULE) + 1:  # its senders died each time
            _record(session, claim, Answer(0, error="Killed"))
            return
        secrets = subscriptions.secrets_of(session, settings, claim.subscription_id)
    moment, body = signing_moment(), claim.body.encode()
    headers = {
        "Content-Type": "application/cloudevents+json",
        "User-Agent": "wishtree-webhooks/1",
        "webhook-id": str(claim.event_id),
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": sign(secrets, str(claim.event_id), moment, body),
    }
    answer = post(settings, subscription.url, body, headers)
    with transaction() as session:
        _record(session, claim, answer)


def _record(session: Session, claim: Claim, answer: Answer) -> None:
    """The outcome of one attempt. A failure counts only while its claim is the newest; a success
    always does.
    """
    moved = update(Delivery).where(
        Delivery.id == claim.id, Delivery.status == DeliveryStatus.WAITING
    )
    if answer.accepted:
        moved = moved.values(
            status=DeliveryStatus.DELIVERED, delivered_at=app_now(), claimed_until=None
        )
    else:
        moved = moved.where(Delivery.attempts == claim.attempts).values(
            **_after_failure(claim, answer)
        )
    if not changed(session.execute(moved)):
        return
    session.add(
        DeliveryAttempt(
            delivery_id=claim.id,
            subscription_id=claim.subscription_id,
            number=claim.attempts,
            status=answer.status,
            milliseconds=answer.milliseconds,
            error=answer.error,
        )
    )
    session.flush()
    _note_health(session, claim.subscription_id, answer)


def _after_failure(claim: Claim, answer: Answer) -> dict[str, Any]:
    if answer.gone or claim.attempts > len(SCHEDULE):
        log.warning(
            "delivery given up",
            delivery_id=str(claim.id),
            attempts=claim.attempts,
            status=answer.status,
        )
        return {"status": DeliveryStatus.DEAD, "claimed_until": None}
    wait_for = SCHEDULE[claim.attempts - 1] * random.uniform(1.0, 1.2)  # noqa: S311 - spreading load
    asked = timedelta(seconds=answer.retry_after_seconds)
    return {"due_at": app_now() + max(wait_for, asked), "claimed_until": None}


def _note_health(session: Session, subscription_id: UUID, answer: Answer) -> None:
    """Success clears the record; failure starts it, and five days of it or one 410 disable the
    subscription once.
    """
    mine = update(Subscription).where(Subscription.id == subscription_id)
    if answer.accepted:
        session.execute(
            mine.where(Subscription.failing_since.is_not(None)).values(failing_since=None)
        )
        return
    session.execute(mine.values(failing_since=func.coalesce(Subscription.failing_since, app_now())))
    reason = "gone" if answer.gone else "failing"
    disabled = session.execute(
        mine.where(
            Subscription.disabled_at.is_(None),
            literal(answer.gone) | (Subscription.failing_since < app_now() - DISABLED_AFTER),
        ).values(disabled_at=app_now(), disabled_reason=reason)
    )
    if changed(disabled):
        session.execute(
            update(Delivery)
            .where(
                Delivery.subscription_id == subscription_id,
                Delivery.status == DeliveryStatus.WAITING,
            )
            .values(status=DeliveryStatus.HELD, claimed_until=None)
        )
        publish(session, SubscriptionDisabled(subscription_id=subscription_id, reason=reason))


def forget_old_deliveries(session: Session) -> int:
    """Delete deliveries, whatever became of them, after 30 days. Returns how many."""
    return changed(session.execute(delete(Delivery).where(Delivery.created_at < app_now() - KEPT)))
