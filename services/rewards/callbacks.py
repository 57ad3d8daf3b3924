"""Webhooks of venues: verified over the raw bytes, taken in once per (venue, webhook-id), in one transaction."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, RootModel, ValidationError
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.rewards import disputes, redemption, venues
from services.rewards.models import WebhookReceipt
from services.rewards.redemption import Answer, Outcome
from shared import webhooks
from shared.clock import app_now
from shared.db import inserted
from shared.fields import Body, Code, Instant
from shared.problems import Conflict, Unprocessable

MAX_LINES = 500


class UnreadableWebhook(Unprocessable):
    """The signature is right, but the body is not one of the webhooks we take."""


class WebhookIdReused(Conflict):
    """This webhook-id was used for another body."""


class Kind(StrEnum):
    """What a venue may tell us."""

    CONFIRMED = "redemption.confirmed"
    REVERSED = "redemption.reversed"


class Line(Body):
    code: Annotated[str, Field(min_length=1, max_length=100)]
    reference: Code


class Single(Body):
    type: Literal["redemption.confirmed", "redemption.reversed"]
    timestamp: Instant
    data: Line


class BatchLine(Line):
    type: Kind = Kind.CONFIRMED


class BatchData(Body):
    items: Annotated[list[BatchLine], Field(min_length=1, max_length=MAX_LINES)]


class Batch(Body):
    type: Literal["redemption.batch"]
    timestamp: Instant
    data: BatchData


class Message(RootModel[Annotated[Single | Batch, Field(discriminator="type")]]):
    """What a venue sends."""


def receive(session: Session, venue_id: UUID, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Verify and take in one webhook; sent again it gets the stored answer.

    Raises BadSignature (also for an unknown venue), UnreadableWebhook, WebhookIdReused.
    """
    moment: datetime = session.scalars(select(app_now())).one()
    webhook_id = webhooks.verify(venues.webhook_secrets(session, venue_id), headers, body, moment)
    message = _read(body)
    fresh = inserted(
        session,
        insert(WebhookReceipt)
        .values(venue_id=venue_id, webhook_id=webhook_id, body_hash=hashlib.sha256(body).digest())
        .on_conflict_do_nothing(),
    )
    if not fresh:
        stored = session.get_one(WebhookReceipt, (venue_id, webhook_id))
        if stored.body_hash != hashlib.sha256(body).digest():
            raise WebhookIdReused("Send a new webhook-id with a new message.")
        return stored.answer
    answer = _take_in(session, venue_id, message)
    session.execute(
        update(WebhookReceipt)
        .where(WebhookReceipt.venue_id == venue_id, WebhookReceipt.webhook_id == webhook_id)
        .values(answer=answer)
    )
    return answer


def _read(body: bytes) -> Single | Batch:
    try:
        return Message.model_validate_json(body).root
    except (ValidationError, UnicodeDecodeError, RecursionError) as error:
        reason = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": "not readable"}
        pointer = "".join(f"/{part}" for part in reason["loc"] if "." not in str(part))  # without the union's tag
        raise UnreadableWebhook(
            f"{pointer}: {reason['msg']}", errors=[{"pointer": pointer, "detail": reason["msg"]}]
        ) from None


def _take_in(session: Session, venue_id: UUID, message: Single | Batch) -> dict[str, Any]:
    if isinstance(message, Single):
        return _shown(_book(session, venue_id, Kind(message.type), message.data))
    lines = message.data.items
    answers: dict[int, dict[str, Any]] = {}
    # In the order of the codes, so that two batches lock vouchers in one order.
    for number, line in sorted(enumerate(lines), key=lambda pair: (pair[1].code, pair[0])):
        answers[number] = {"reference": line.reference, **_shown(_book(session, venue_id, line.type, line))}
    return {"items": [answers[number] for number in range(len(lines))]}


def _book(session: Session, venue_id: UUID, kind: Kind, line: Line) -> Answer:
    if kind is Kind.REVERSED:
        answer = redemption.reverse(session, venue_id, line.code, line.reference)
    else:
        answer = redemption.redeem(session, venue_id, line.code, line.reference, channel="webhook")
    if answer.outcome not in (Outcome.REDEEMED, Outcome.REVERSED):
        voucher_id = answer.voucher.id if answer.voucher else None
        disputes.open_dispute(session, venue_id, line.reference, answer.outcome.value, voucher_id)
    return answer


def _shown(answer: Answer) -> dict[str, Any]:
    shown = {"outcome": answer.outcome.value}
    if answer.voucher is not None:
        shown["voucher_id"] = str(answer.voucher.id)
    if answer.redeemed_at is not None:
        shown["redeemed_at"] = answer.redeemed_at.isoformat()
    return shown
