"""Send the deliveries that are due.

Claim a row and commit, send without a transaction, record the result. When to try again is a
column. If a sender dies, its claim runs out, and the row is sent again with the same `webhook-id`.
A slow receiver occupies at most IN_FLIGHT senders; the rows of others pass it.
"""

import contextvars
import random
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from uuid import UUID

from sqlalchemy import Update, delete, func, literal, text, update
from sqlalchemy.orm import Session

from services.notify.models import Delivery, DeliveryAttempt, DeliveryStatus, Subscription
from services.notify.outcomes import Accepted, Outcome, Permanent, RetryLater
from services.notify.webhooks import subscriptions
from services.notify.webhooks.sender import AttemptResult, post, signing_moment
from shared.auth.webhook_signatures import sign
from shared.contracts.notify import SubscriptionDisabled
from shared.core.clock import app_now
from shared.core.logs import get_logger
from shared.db.engine import current_database, transaction
from shared.db.statements import changed
from shared.messaging.outbox import publish

log = get_logger(__name__)

SCHEDULE = [timedelta(seconds=s) for s in (5, 300, 1800, 7200, 18000, 36000, 36000)]
"""Waits after failed attempts, as Standard Webhooks recommends. One attempt follows the last wait;
if it fails, the delivery is dead.
"""
LEASE = timedelta(seconds=60)
IN_FLIGHT = 4  #: per subscription
SENDERS = 16
SWEEP_SECONDS = 20
DISABLED_AFTER = timedelta(days=5)
KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this process may send until the lease ends."""

    id: UUID
    subscription_id: UUID
    event_id: UUID
    body: str
    attempts: int  #: this one included


@dataclass(frozen=True, slots=True)
class Target:
    """The address of a subscriber, and the secrets that sign what it gets."""

    url: str
    secrets: list[str]


def send_due() -> int:
    """Send what is due until nothing is, or for 20 s. Returns how many deliveries were sent.

    Running it twice at once does no harm.
    """
    sent, until = 0, monotonic() + SWEEP_SECONDS
    running: set[Future[None]] = set()
    with ThreadPoolExecutor(SENDERS) as senders:
        while monotonic() < until:
            started = _start(senders, SENDERS - len(running))
            sent += len(started)
            running |= started
            if not running:
                break
            done, running = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
    return sent


def _start(senders: ThreadPoolExecutor, limit: int) -> set[Future[None]]:
    """Claim up to `limit` due deliveries and start sending them."""
    with transaction() as session:
        claims = claim_due(session, limit)
    # The current database is a context variable: each sender gets a copy of this thread's context.
    return {senders.submit(contextvars.copy_context().run, send, claim) for claim in claims}


def send_one(delivery_id: UUID) -> bool:
    """Send one delivery if it is due and nobody is sending it.

    Returns whether this call sent it.
    """
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
                WHERE subscription_id = subscriptions.id AND status = 'waiting'
                  AND claimed_until >= app_now())
            FOR UPDATE SKIP LOCKED
        ) AS due
        WHERE disabled_at IS NULL ORDER BY due.due_at LIMIT :most)
    RETURNING id, subscription_id, event_id, body, attempts
""")


def claim_due(session: Session, most: int, only: UUID | None = None) -> Sequence[Claim]:
    """Claim up to `most` due deliveries for 60 s, a few per subscription.

    The caller commits before it sends.
    """
    values = {"lease": LEASE, "in_flight": IN_FLIGHT, "most": most, "only": only}
    return [Claim(*row) for row in session.execute(_CLAIM.bindparams(**values))]


def send(claim: Claim) -> None:
    """Send one claimed delivery and record the result. No transaction is open while it sends."""
    with transaction() as session:
        target = _target_of(session, claim)
    if target is None:
        return
    body = claim.body.encode()
    headers = _signed_headers(claim.event_id, body, target.secrets)
    result = post(current_database().settings, target.url, body, headers)
    with transaction() as session:
        _record(session, claim, result)


def _target_of(session: Session, claim: Claim) -> Target | None:
    """Find where to send a delivery; None if it must not be sent any more."""
    subscription = session.get(Subscription, claim.subscription_id)
    if subscription is None:
        return None
    if claim.attempts > len(SCHEDULE) + 1:  # its senders died each time
        _record(session, claim, AttemptResult(0, error="Killed"))
        return None
    settings = current_database().settings
    secrets = subscriptions.secrets_of(session, settings, claim.subscription_id)
    return Target(subscription.url, secrets)


def _signed_headers(event_id: UUID, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    moment = signing_moment()
    return {
        "Content-Type": "application/cloudevents+json",
        "User-Agent": "wishtree-webhooks/1",
        "webhook-id": str(event_id),
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": sign(secrets, str(event_id), moment, body),
    }


def _record(session: Session, claim: Claim, result: AttemptResult) -> None:
    """Record one attempt and move its delivery on, unless a newer claim has already done so."""
    if not _move_on(session, claim, result):
        return
    session.add(
        DeliveryAttempt(
            delivery_id=claim.id,
            subscription_id=claim.subscription_id,
            number=claim.attempts,
            status=result.status,
            milliseconds=result.milliseconds,
            error=result.error,
        )
    )
    session.flush()
    _note_health(session, claim.subscription_id, result.outcome)


def _move_on(session: Session, claim: Claim, result: AttemptResult) -> bool:
    """Write the outcome to the delivery. Returns whether it counts.

    A success always counts; a failure only while its claim is the newest.
    """
    waiting = Delivery.status == DeliveryStatus.WAITING
    mine = update(Delivery).where(Delivery.id == claim.id, waiting).values(claimed_until=None)
    if isinstance(result.outcome, Accepted):
        moved = mine.values(status=DeliveryStatus.DELIVERED, delivered_at=app_now())
    else:
        newest = mine.where(Delivery.attempts == claim.attempts)
        moved = _after_failure(newest, claim, result)
    return bool(changed(session.execute(moved)))


def _after_failure(newest: Update, claim: Claim, result: AttemptResult) -> Update:
    """Try again later, or give up when the schedule is spent or the address is gone."""
    match result.outcome:
        case RetryLater(after) if claim.attempts <= len(SCHEDULE):
            return newest.values(due_at=app_now() + max(_pause(claim), after))
    log.warning(
        "delivery given up",
        delivery_id=str(claim.id),
        attempts=claim.attempts,
        status=result.status,
    )
    return newest.values(status=DeliveryStatus.DEAD)


def _pause(claim: Claim) -> timedelta:
    """The wait of the schedule, up to a fifth longer, so that retries do not come all at once."""
    return SCHEDULE[claim.attempts - 1] * random.uniform(1.0, 1.2)  # noqa: S311 - no secret


def _note_health(session: Session, subscription_id: UUID, outcome: Outcome) -> None:
    """Remember since when a subscription fails, and disable it when it is time."""
    mine = update(Subscription).where(Subscription.id == subscription_id)
    if isinstance(outcome, Accepted):
        failing = Subscription.failing_since.is_not(None)
        session.execute(mine.where(failing).values(failing_since=None))
        return
    first_failure = func.coalesce(Subscription.failing_since, app_now())
    session.execute(mine.values(failing_since=first_failure))
    _disable_if_failed(session, subscription_id, outcome)


def _disable_if_failed(session: Session, subscription_id: UUID, outcome: Outcome) -> None:
    """Disable a subscription once, after five days of failures or one 410, and publish it."""
    failing_long = Subscription.failing_since < app_now() - DISABLED_AFTER
    gone = isinstance(outcome, Permanent)
    reason = outcome.reason if isinstance(outcome, Permanent) else "failing"
    disabled = session.execute(
        update(Subscription)
        .where(
            Subscription.id == subscription_id,
            Subscription.disabled_at.is_(None),
            literal(gone) | failing_long,
        )
        .values(disabled_at=app_now(), disabled_reason=reason)
    )
    if changed(disabled):
        _hold_deliveries(session, subscription_id)
        publish(session, SubscriptionDisabled(subscription_id=subscription_id, reason=reason))


def _hold_deliveries(session: Session, subscription_id: UUID) -> None:
    """Keep back what is still to be sent, until staff enable the subscription and recover it."""
    waiting = Delivery.status == DeliveryStatus.WAITING
    session.execute(
        update(Delivery)
        .where(Delivery.subscription_id == subscription_id, waiting)
        .values(status=DeliveryStatus.HELD, claimed_until=None)
    )


def forget_old_deliveries(session: Session) -> int:
    """Delete deliveries of any status after 30 days. Returns how many."""
    return changed(session.execute(delete(Delivery).where(Delivery.created_at < app_now() - KEPT)))
