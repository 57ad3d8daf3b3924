"""Webhooks of venues: verify the raw bytes, then process each (venue, webhook-id) once.

All of it happens in one transaction.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, RootModel, ValidationError
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.rewards.models import BatchAnswer, LineAnswer, WebhookReceipt
from services.rewards.redemption import lockout, redeem
from services.rewards.redemption.outcomes import Answer, Outcome, lock_vouchers
from services.rewards.redemption.redeem import Sale
from services.rewards.settlement import disputes
from services.rewards.venues import keys
from services.rewards.vouchers import codes
from shared.auth import webhook_signatures
from shared.core.clock import app_now
from shared.core.json import RepeatedKey, made_storable, read_json
from shared.core.problems import Conflict, Unprocessable
from shared.db.statements import inserted
from shared.http.schemas import Code, Instant, RequestModel

MAX_LINES = 500


class UnreadableWebhook(Unprocessable):
    """The signature is valid, but the body is not a webhook that we accept."""


class WebhookIdReused(Conflict):
    """This webhook-id was used for another body."""


class LineType(StrEnum):
    """What a venue reports about a voucher."""

    CONFIRMED = "redemption.confirmed"
    REVERSED = "redemption.reversed"


class Line(RequestModel):
    code: Annotated[str, Field(min_length=1, max_length=100)]
    reference: Code


class Single(RequestModel):
    type: Literal["redemption.confirmed", "redemption.reversed"]
    timestamp: Instant
    data: Line


class BatchLine(Line):
    type: LineType = LineType.CONFIRMED


class BatchData(RequestModel):
    items: Annotated[list[BatchLine], Field(min_length=1, max_length=MAX_LINES)]


class Batch(RequestModel):
    type: Literal["redemption.batch"]
    timestamp: Instant
    data: BatchData


class Message(RootModel[Annotated[Single | Batch, Field(discriminator="type")]]):
    """What a venue sends."""


def receive(
    session: Session, venue_id: UUID, headers: Mapping[str, str], body: bytes
) -> LineAnswer | BatchAnswer:
    """Verify and process one webhook. Sent again, it gets the stored answer.

    Raises BadSignature (also for an unknown venue), UnreadableWebhook, WebhookIdReused.
    """
    moment: datetime = session.scalars(select(app_now())).one()
    secrets = keys.webhook_secrets(session, venue_id)
    webhook_id = webhook_signatures.verify(secrets, headers, body, moment)
    message = _read(body)
    body_hash = hashlib.sha256(body).digest()
    # The row is locked from here on: the same webhook at the same moment waits for this answer.
    receipt = insert(WebhookReceipt).values(
        venue_id=venue_id, webhook_id=webhook_id, body_hash=body_hash
    )
    if not inserted(session, receipt.on_conflict_do_nothing()):
        return _stored_answer(session, venue_id, webhook_id, body_hash)
    answer = _process(session, venue_id, message)
    session.execute(
        update(WebhookReceipt)
        .where(WebhookReceipt.venue_id == venue_id, WebhookReceipt.webhook_id == webhook_id)
        .values(answer=answer)
    )
    return answer


def _stored_answer(
    session: Session, venue_id: UUID, webhook_id: str, body_hash: bytes
) -> LineAnswer | BatchAnswer:
    """Return the answer that this webhook got before. Raises WebhookIdReused."""
    stored = session.get_one(WebhookReceipt, (venue_id, webhook_id))
    if stored.body_hash != body_hash:
        raise WebhookIdReused("Send a new webhook-id with a new message.")
    return stored.answer


def _read(body: bytes) -> Single | Batch:
    """Parse a verified body. Raises UnreadableWebhook."""
    try:
        return Message.model_validate(read_json(body.decode())).root
    except ValidationError as error:
        first = error.errors()[0]
        # A part with a dot is the tag of the union, not a field.
        parts = [part for part in first["loc"] if "." not in str(part)]
        raise _unreadable("".join(f"/{part}" for part in parts), first["msg"]) from None
    except RepeatedKey as error:
        raise _unreadable(made_storable(error.pointer), "This key is there twice.") from None
    except (ValueError, RecursionError):
        raise _unreadable("", "not readable") from None


def _unreadable(pointer: str, detail: str) -> UnreadableWebhook:
    return UnreadableWebhook(
        f"{pointer}: {detail}", errors=[{"pointer": pointer, "detail": detail}]
    )


def _process(session: Session, venue_id: UUID, message: Single | Batch) -> LineAnswer | BatchAnswer:
    """Book a message and return its answer as JSON."""
    if isinstance(message, Single):
        data = message.data
        line = BatchLine(type=LineType(message.type), code=data.code, reference=data.reference)
        return _as_json(_book(session, venue_id, [line])[0])
    lines = message.data.items
    answers = _book(session, venue_id, lines)
    items = [
        LineAnswer(reference=line.reference, **_as_json(answer))
        for line, answer in zip(lines, answers, strict=True)
    ]
    return BatchAnswer(items=items)


def _book(session: Session, venue_id: UUID, lines: Sequence[BatchLine]) -> list[Answer]:
    """Book lines in their order; a line that cannot be booked becomes a dispute."""
    if any(line.type is LineType.REVERSED for line in lines):
        # Lock all vouchers in one order before any of them changes. Without reversals there is one
        # run, which does so by itself.
        lock_vouchers(session, venue_id, [line.code for line in lines])
    answers: list[Answer] = []
    for type_, run in groupby(lines, key=lambda line: line.type):
        answers += _book_run(session, venue_id, type_, list(run))
    _open_disputes(session, venue_id, lines, answers)
    unknown = [line for line, answer in zip(lines, answers, strict=True) if answer.voucher is None]
    guesses = sum(codes.check(codes.normalise(line.code)) for line in unknown)
    lockout.note_reported(session, venue_id, guesses)
    return answers


def _book_run(
    session: Session, venue_id: UUID, type_: LineType, run: Sequence[BatchLine]
) -> list[Answer]:
    """Book lines of one type that follow each other; confirmations all at once."""
    if type_ is LineType.REVERSED:
        return [redeem.reverse(session, venue_id, line.code, line.reference) for line in run]
    sales = [Sale(line.code, line.reference) for line in run]
    return redeem.redeem_all(session, venue_id, sales, channel=redeem.WEBHOOK)


def _open_disputes(
    session: Session, venue_id: UUID, lines: Sequence[BatchLine], answers: Sequence[Answer]
) -> None:
    # In the order of references, so that two batches of one venue wait and never deadlock.
    pairs = sorted(zip(lines, answers, strict=True), key=lambda pair: pair[0].reference)
    for line, answer in pairs:
        if answer.outcome not in (Outcome.REDEEMED, Outcome.REVERSED):
            voucher_id = answer.voucher.id if answer.voucher else None
            disputes.open_dispute(
                session, venue_id, line.reference, answer.outcome.value, voucher_id
            )


def _as_json(answer: Answer) -> LineAnswer:
    fields = LineAnswer(outcome=answer.outcome.value)
    if answer.voucher is not None:
        fields["voucher_id"] = str(answer.voucher.id)
    if answer.redeemed_at is not None:
        fields["redeemed_at"] = answer.redeemed_at.isoformat()
    return fields
