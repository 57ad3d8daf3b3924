"""Webhooks of venues: verified over the raw bytes, taken in once per (venue, webhook-id), in one
transaction.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, RootModel, ValidationError
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.rewards.models import WebhookReceipt
from services.rewards.redemption import lockout, redeem
from services.rewards.redemption.outcomes import Answer, Outcome, lock
from services.rewards.redemption.redeem import Sale
from services.rewards.settlement import disputes
from services.rewards.venues import keys
from services.rewards.vouchers import codes
from shared.auth import webhook_signatures
from shared.core.clock import app_now
from shared.core.problems import Conflict, Unprocessable
from shared.db.statements import inserted
from shared.http.schemas import Code, Instant, RequestModel

MAX_LINES = 500


class UnreadableWebhook(Unprocessable):
    """The signature is right, but the body is not one of the webhooks we take."""


class WebhookIdReused(Conflict):
    """This webhook-id was used for another body."""


class Kind(StrEnum):
    """What a venue may tell us."""

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
    type: Kind = Kind.CONFIRMED


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
) -> dict[str, Any]:
    """Verify and take in one webhook; sent again it gets the stored answer.

    Raises BadSignature (also for an unknown venue), UnreadableWebhook, WebhookIdReused.
    """
    moment: datetime = session.scalars(select(app_now())).one()
    webhook_id = webhook_signatures.verify(
        keys.webhook_secrets(session, venue_id), headers, body, moment
    )
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
        reason = (
            error.errors()[0]
            if isinstance(error, ValidationError)
            else {"loc": (), "msg": "not readable"}
        )
        pointer = "".join(
            f"/{part}" for part in reason["loc"] if "." not in str(part)
        )  # without the union's tag
        raise UnreadableWebhook(
            f"{pointer}: {reason['msg']}", errors=[{"pointer": pointer, "detail": reason["msg"]}]
        ) from None


def _take_in(session: Session, venue_id: UUID, message: Single | Batch) -> dict[str, Any]:
    if isinstance(message, Single):
        line = BatchLine(
            type=Kind(message.type), code=message.data.code, reference=message.data.reference
        )
        return _shown(_book(session, venue_id, [line])[0])
    lines = message.data.items
    answers = _book(session, venue_id, lines)
    return {
        "items": [
            {"reference": line.reference, **_shown(answer)}
            for line, answer in zip(lines, answers, strict=True)
        ]
    }


def _book(session: Session, venue_id: UUID, lines: Sequence[BatchLine]) -> list[Answer]:
    """Book lines in their order, confirmations that follow each other all at once; what cannot be
    is put to people.
    """
    if any(line.type is Kind.REVERSED for line in lines):  # else one run, which locks all by itself
        lock(session, venue_id, [line.code for line in lines])  # in one order, before any moves
    answers: list[Answer] = []
    for kind, run in groupby(lines, key=lambda line: line.type):
        if kind is Kind.REVERSED:
            answers += [
                redeem.reverse(session, venue_id, line.code, line.reference) for line in run
            ]
        else:
            sales = [Sale(line.code, line.reference) for line in run]
            answers += redeem.redeem_all(session, venue_id, sales, channel=redeem.WEBHOOK)
    # In the order of references, so that two batches of one venue wait for each other and never
    # lock.
    for line, answer in sorted(
        zip(lines, answers, strict=True), key=lambda pair: pair[0].reference
    ):
        if answer.outcome not in (Outcome.REDEEMED, Outcome.REVERSED):
            voucher_id = answer.voucher.id if answer.voucher else None
            disputes.open_dispute(
                session, venue_id, line.reference, answer.outcome.value, voucher_id
            )
    guesses = [line for line, answer in zip(lines, answers, strict=True) if answer.voucher is None]
    lockout.note_reported(
        session, venue_id, sum(codes.check(codes.normalise(line.code)) for line in guesses)
    )
    return answers


def _shown(answer: Answer) -> dict[str, Any]:
    shown = {"outcome": answer.outcome.value}
    if answer.voucher is not None:
        shown["voucher_id"] = str(answer.voucher.id)
    if answer.redeemed_at is not None:
        shown["redeemed_at"] = answer.redeemed_at.isoformat()
    return shown
