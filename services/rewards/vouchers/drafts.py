"""The draft of a voucher: every voucher is built here: issued, handed over, or for tests."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from services.rewards.models import Voucher, VoucherOrigin, VoucherStatus
from services.rewards.rules.versions import NO_RULE, RuleRef
from shared.core.crypto import Vault
from shared.core.ids import new_id
from shared.db.bulk import insert_rows


@dataclass(frozen=True, slots=True)
class SealedCode:
    """A code as the database keeps it: a fingerprint to find it, a sealed copy to show it."""

    fingerprint: bytes
    sealed: bytes


def seal_code(vault: Vault, code: str) -> SealedCode:
    return SealedCode(vault.fingerprint(code), vault.seal(code))


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherDraft:
    """A voucher to write with `insert_vouchers`. `models/vouchers.py` says what each field is."""

    id: UUID = field(default_factory=new_id)
    holder_id: UUID | None  #: None in the pool and in the sandbox
    origin: VoucherOrigin
    product_id: UUID
    venue_id: UUID
    title: str
    points: int
    cost_fen: int = 0
    code: SealedCode
    rule: RuleRef = NO_RULE
    issued_at: datetime
    expires_at: datetime
    reminded_at: datetime | None = None
    status: VoucherStatus = VoucherStatus.ISSUED
    hold_id: UUID | None = None
    held_until: datetime | None = None
    ended_at: datetime | None = None
    end_reason: str | None = None


def insert_vouchers(session: Session, drafts: Iterable[VoucherDraft]) -> None:
    """Write vouchers in one statement."""
    insert_rows(session, Voucher, [_columns_of(draft) for draft in drafts])


def _columns_of(draft: VoucherDraft) -> Mapping[str, object]:
    return {
        "id": draft.id,
        "holder_id": draft.holder_id,
        "origin": draft.origin,
        "product_id": draft.product_id,
        "venue_id": draft.venue_id,
        "title": draft.title,
        "points": draft.points,
        "cost_fen": draft.cost_fen,
        "code_fingerprint": draft.code.fingerprint,
        "code_sealed": draft.code.sealed,
        "rule_id": draft.rule.id,
        "rule_version": draft.rule.version,
        "issued_at": draft.issued_at,
        "expires_at": draft.expires_at,
        "reminded_at": draft.reminded_at,
        "status": draft.status,
        "hold_id": draft.hold_id,
        "held_until": draft.held_until,
        "ended_at": draft.ended_at,
        "end_reason": draft.end_reason,
    }
