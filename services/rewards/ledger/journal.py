"""The journal: one row per transfer, never edited, so that it sums to zero.

The names of its accounts are made here. The part before the colon is the book 账簿;
`models/ledger.py` says what each holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.rewards.models import Transfer, TransferKind, Voucher, VoucherOrigin
from services.rewards.rules.versions import NO_RULE, RuleRef
from shared.core.ids import new_id
from shared.db.bulk import insert_rows

OUTSIDE = "outside"
REGISTRATION = "registration"  #: the actor of what events cause
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
    """Name the account that holds the points of an unused voucher."""
    pooled = voucher.holder_id is None and voucher.origin is not VoucherOrigin.SANDBOX
    return pool(voucher.product_id) if pooled else product(voucher.product_id)


@dataclass(frozen=True, slots=True)
class TransferDraft:
    """A transfer to write: `amount` points from the account `debit` to the account `credit`."""

    debit: str
    credit: str
    amount: int
    kind: TransferKind
    cause_id: UUID
    _: KW_ONLY
    volunteer_id: UUID | None  #: whose statement shows it
    actor: str
    rule: RuleRef = NO_RULE
    pending_id: UUID | None = None  #: the pending transfer that this one posts
    id: UUID = field(default_factory=new_id)


def record_transfers(session: Session, drafts: Iterable[TransferDraft]) -> None:
    """Write transfers in one statement.

    The database refuses the same (kind, cause) twice: callers win a guarded row first.
    """
    insert_rows(session, Transfer, [columns_of(draft) for draft in drafts])


def columns_of(draft: TransferDraft) -> Mapping[str, object]:
    """Return the columns of a transfer's row."""
    return {
        "id": draft.id,
        "debit_account": draft.debit,
        "credit_account": draft.credit,
        "amount": draft.amount,
        "kind": draft.kind,
        "cause_id": draft.cause_id,
        "rule_id": draft.rule.id,
        "rule_version": draft.rule.version,
        "actor": draft.actor,
        "volunteer_id": draft.volunteer_id,
        "pending_id": draft.pending_id,
    }


def requested_of(session: Session, backorder_ids: Sequence[UUID]) -> set[UUID]:
    """Return those of these backorders that a person requested; hours caused the others."""
    requested = select(Transfer.cause_id).where(
        Transfer.kind == TransferKind.BACKORDERED,
        Transfer.cause_id.in_(backorder_ids),
        Transfer.actor != REGISTRATION,
    )
    return set(session.scalars(requested))
