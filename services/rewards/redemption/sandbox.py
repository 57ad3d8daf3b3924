"""Vouchers to practise with, at sandbox venues only.

They have no holder, cost no points, are never settled, and no event about making them is published.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.rewards.ledger import journal
from services.rewards.ledger.journal import TransferDraft
from services.rewards.models import (
    Product,
    TransferKind,
    Voucher,
    VoucherOrigin,
    VoucherStatus,
)
from services.rewards.venues.venues import get_venue
from services.rewards.vouchers import codes, holds
from services.rewards.vouchers.codes import code_vault
from services.rewards.vouchers.drafts import VoucherDraft, insert_vouchers, seal_code
from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.core.problems import Conflict, invalid

MOST = 20
HELD_FOR = timedelta(hours=1)


class VenueNotSandbox(Conflict):
    """Only a sandbox venue gets test vouchers."""


class PracticeState(StrEnum):
    """The state of test vouchers, which decides the outcome to practise."""

    ISSUED = "issued"  #: redeemable
    HELD = "held"  #: held_elsewhere, for an hour, for a request that does not name that hold
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
    drafts = [_draft(product, code, state, moment) for code in made]
    insert_vouchers(session, drafts)
    _pay(session, drafts, state, actor)
    if state is PracticeState.HELD:
        for voucher in session.scalars(
            select(Voucher).where(Voucher.id.in_([draft.id for draft in drafts]))
        ):
            holds.prepare(session, voucher, voucher.hold_id or new_id(), moment + HELD_FOR)
    return [
        PracticeVoucher(draft.id, codes.grouped(code), draft.status, draft.expires_at)
        for draft, code in zip(drafts, made, strict=True)
    ]


def _draft(product: Product, code: str, state: PracticeState, moment: datetime) -> VoucherDraft:
    held, late = state is PracticeState.HELD, state is PracticeState.EXPIRED
    return VoucherDraft(
        holder_id=None,
        origin=VoucherOrigin.SANDBOX,
        product_id=product.id,
        venue_id=product.venue_id,
        title=product.title,
        points=product.points,
        code=seal_code(code_vault(), code),
        status=VoucherStatus(state.value),
        issued_at=moment,
        expires_at=moment if late else moment + timedelta(days=product.valid_days),
        hold_id=new_id() if held else None,
        held_until=moment + HELD_FOR if held else None,
        ended_at=moment if state in _ENDS_BY else None,
        end_reason="sandbox" if state is PracticeState.VOIDED else None,
    )


def _pay(
    session: Session, drafts: Sequence[VoucherDraft], state: PracticeState, actor: str
) -> None:
    """From outside, as nobody earned them; vouchers that ended went back there."""
    transfers = [
        TransferDraft(
            journal.OUTSIDE,
            journal.product(draft.product_id),
            draft.points,
            TransferKind.SANDBOX,
            draft.id,
            volunteer_id=None,
            actor=actor,
        )
        for draft in drafts
    ]
    if state in _ENDS_BY:
        transfers += [
            TransferDraft(
                journal.product(draft.product_id),
                journal.OUTSIDE,
                draft.points,
                _ENDS_BY[state],
                draft.id,
                volunteer_id=None,
                actor=actor,
            )
            for draft in drafts
        ]
    journal.record_transfers(session, transfers)
