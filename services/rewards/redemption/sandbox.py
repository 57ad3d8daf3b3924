"""Vouchers to practise with, at sandbox venues only.

They have no holder, cost no points, are never settled, and no event about making them is published.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.rewards.ledger import journal
from services.rewards.ledger.journal import transfer
from services.rewards.models import (
    Product,
    TransferKind,
    Venue,
    Voucher,
    VoucherOrigin,
    VoucherStatus,
)
from services.rewards.venues.venues import get_venue
from services.rewards.vouchers import codes, holds
from services.rewards.vouchers.codes import code_vault
from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.core.problems import Conflict, invalid
from shared.db.bulk import insert_rows

MOST = 20
HELD_FOR = timedelta(hours=1)


class VenueNotSandbox(Conflict):
    """Only a sandbox venue gets test vouchers."""


class PracticeState(StrEnum):
    """The state of test vouchers, which decides the outcome to practise."""

    ISSUED = "issued"  #: redeemable
    HELD = "held"  #: held_elsewhere, for an hour, to whoever does not name that hold
    EXPIRED = "expired"
    VOIDED = "voided"


_ENDS_BY = {PracticeState.EXPIRED: TransferKind.EXPIRED, PracticeState.VOIDED: TransferKind.VOIDED}


@dataclass(frozen=True, slots=True)
class PracticeVoucher:
    """A test voucher that was just made. Its code is shown this once."""

    id: UUID
    code: str
    status: VoucherStatus
    expires_at: datetime


def make_test_vouchers(
    session: Session, venue_id: UUID, product_id: UUID, count: int, state: PracticeState, actor: str
) -> list[PracticeVoucher]:
    """Make `count` vouchers of a sandbox venue's product, in the state that is to be practised.

    Raises VenueNotFound, VenueNotSandbox, and Unprocessable for another venue's product.
    """
    venue = get_venue(session, venue_id)
    if not venue.sandbox:
        raise VenueNotSandbox(f"Venue {venue_id} is no sandbox.")
    product = session.get(Product, product_id)
    if product is None or product.venue_id != venue_id:
        raise invalid("/product_id", "This venue has no such product.")
    moment: datetime = session.scalars(select(app_now())).one()
    made = [codes.new_code() for _ in range(count)]
    rows = [_row(venue, product, code, state, moment) for code in made]
    insert_rows(session, Voucher, rows)
    _pay(session, rows, state, actor)
    if state is PracticeState.HELD:
        for voucher in session.scalars(
            select(Voucher).where(Voucher.id.in_([row["id"] for row in rows]))
        ):
            holds.prepare(session, voucher, voucher.hold_id or new_id(), moment + HELD_FOR)
    return [
        PracticeVoucher(row["id"], codes.grouped(code), row["status"], row["expires_at"])
        for row, code in zip(rows, made, strict=True)
    ]


def _row(
    venue: Venue, product: Product, code: str, state: PracticeState, moment: datetime
) -> dict[str, Any]:
    vault, held, ended = code_vault(), state is PracticeState.HELD, state in _ENDS_BY
    late = state is PracticeState.EXPIRED
    return {
        "id": new_id(),
        "origin": VoucherOrigin.SANDBOX,
        "product_id": product.id,
        "venue_id": venue.id,
        "title": product.title,
        "points": product.points,
        "code_fingerprint": vault.fingerprint(code),
        "code_sealed": vault.seal(code),
        "status": VoucherStatus(state.value),
        "issued_at": moment,
        "expires_at": moment if late else moment + timedelta(days=product.valid_days),
        "hold_id": new_id() if held else None,
        "held_until": moment + HELD_FOR if held else None,
        "ended_at": moment if ended else None,
        "end_reason": "sandbox" if ended and not late else None,
    }


def _pay(
    session: Session, rows: Sequence[dict[str, Any]], state: PracticeState, actor: str
) -> None:
    """From outside, as nobody earned them; what has ended went back there."""
    transfers = [
        transfer(
            journal.OUTSIDE,
            journal.product(row["product_id"]),
            row["points"],
            TransferKind.SANDBOX,
            row["id"],
            volunteer_id=None,
            actor=actor,
        )
        for row in rows
    ]
    if state in _ENDS_BY:
        transfers += [
            transfer(
                journal.product(row["product_id"]),
                journal.OUTSIDE,
                row["points"],
                _ENDS_BY[state],
                row["id"],
                volunteer_id=None,
                actor=actor,
            )
            for row in rows
        ]
    journal.record_transfers(session, transfers)
