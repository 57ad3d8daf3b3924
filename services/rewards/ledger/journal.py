"""The journal: one row per transfer, never edited, so that it sums to zero. And the names of its
accounts.

The part before the colon is the book; `models/ledger.py` says what each holds.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.rewards.models import Transfer, TransferKind, Voucher, VoucherOrigin
from shared.core.ids import new_id
from shared.db.bulk import insert_rows

OUTSIDE = "outside"
REGISTRATION = "registration"  #: the actor of what facts cause
CLOCK = "clock"  #: the actor of what time causes


def volunteer(volunteer_id: UUID) -> str:
    return f"volunteer:{volunteer_id}"


def held(volunteer_id: UUID) -> str:
    return f"held:{volunteer_id}"


def owed(volunteer_id: UUID) -> str:
    return f"owed:{volunteer_id}"


def product(product_id: UUID) -> str:
    return f"product:{product_id}"


def pool(product_id: UUID) -> str:
    return f"pool:{product_id}"


def venue(venue_id: UUID) -> str:
    return f"venue:{venue_id}"


def of_voucher(voucher: Voucher) -> str:
    """Where the points of an unused voucher are."""
    pooled = voucher.holder_id is None and voucher.origin is not VoucherOrigin.SANDBOX
    return pool(voucher.product_id) if pooled else product(voucher.product_id)


def transfer(
    debit: str,
    credit: str,
    amount: int,
    kind: TransferKind,
    cause_id: UUID,
    *,
    volunteer_id: UUID | None,
    actor: str,
    rule: tuple[UUID | None, int | None] = (None, None),
    pending_id: UUID | None = None,
) -> dict[str, Any]:
    """A row for `record_transfers`: `amount` points from `debit` to `credit`."""
    return {
        "id": new_id(),
        "debit_account": debit,
        "credit_account": credit,
        "amount": amount,
        "kind": kind,
        "cause_id": cause_id,
        "rule_id": rule[0],
        "rule_version": rule[1],
        "actor": actor,
        "volunteer_id": volunteer_id,
        "pending_id": pending_id,
    }


def record_transfers(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write transfers. The same (kind, cause) twice is refused by the database: callers win a
    guarded row first.
    """
    insert_rows(session, Transfer, rows)


def asked_for(session: Session, backorder_ids: Sequence[UUID]) -> set[UUID]:
    """Those of these entitlements that somebody asked for; the others came of themselves, with
    hours.
    """
    asked = select(Transfer.cause_id).where(
        Transfer.kind == TransferKind.BACKORDERED,
        Transfer.cause_id.in_(backorder_ids),
        Transfer.actor != REGISTRATION,
    )
    return set(session.scalars(asked))


def balance_of(session: Session, account: str, at: datetime | None = None) -> int:
    """What the journal says an account holds (at a moment, if given): the sum of what came minus
    what went.
    """
    then = [Transfer.created_at <= at] if at is not None else []
    came = select(func.coalesce(func.sum(Transfer.amount), 0)).where(
        Transfer.credit_account == account, *then
    )
    went = select(func.coalesce(func.sum(Transfer.amount), 0)).where(
        Transfer.debit_account == account, *then
    )
    return int(session.scalar(came) or 0) - int(session.scalar(went) or 0)
