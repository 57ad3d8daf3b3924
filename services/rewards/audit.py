"""What rewards' audit compares: credits and accounts with registration, wishes of the pool with
wishes, and its own vouchers, redemptions and settlements with each other.

Points against minutes, seals and balances are the audit of the ledger.
"""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import case, func, literal, or_, select
from sqlalchemy.sql.selectable import Select

from services.rewards.models import (
    Account,
    AccountStatus,
    Correction,
    CreditedRecord,
    PoolWish,
    PoolWishStatus,
    Redemption,
    Settlement,
    SettlementLine,
    Transfer,
    TransferKind,
    Voucher,
    VoucherStatus,
)
from shared.contracts.evidence import (
    CorrectionEvidence,
    RecordEvidence,
    VolunteerEvidence,
    WishEvidence,
)
from shared.contracts.wishes import ClaimerKind
from shared.db.keyset import Keyset
from shared.service.audit import Comparison, OwnCheck
from shared.service.differences import NOTHING, Difference, DifferenceKind

RECORD_AGAIN = (
    "Ask for a correction of the record to no time, and record the hours again: both take a second"
    " person."
)
CREDIT_MISSING = DifferenceKind(
    "credit_missing",
    "A record of verified hours was never credited.",
    RECORD_AGAIN,
)
CREDIT_WITHOUT_RECORD = DifferenceKind(
    "credit_without_record",
    "Minutes were credited for a record that registration does not have.",
    "After a restore: void the unused vouchers that it bought; the centre decides about the rest.",
)
CREDIT_MINUTES = DifferenceKind(
    "credit_minutes",
    "A record was credited with other minutes than it has.",
    RECORD_AGAIN,
)
CREDIT_VOLUNTEER = DifferenceKind(
    "credit_volunteer",
    "A record was credited to somebody else than whose it is.",
    RECORD_AGAIN,
)
TRANSFER_WITHOUT_CREDIT = DifferenceKind(
    "transfer_without_credit",
    "The journal has points for a record that was never credited.",
    "Stop the workers of rewards and audit the ledger: somebody wrote into the database.",
)
CORRECTION_MISSING = DifferenceKind(
    "correction_missing",
    "An approved correction was never applied.",
    "Correct the record once more: one person asks, another approves.",
)
CORRECTION_UNKNOWN = DifferenceKind(
    "correction_unknown",
    "A correction was applied that registration does not have.",
    "After a restore: ask for the same correction again and approve it, if it was right.",
)
CORRECTION_MINUTES = DifferenceKind(
    "correction_minutes",
    "A correction was applied with other minutes than it has.",
    "Correct the record once more: one person asks, another approves.",
)
ACCOUNT_MISSING = DifferenceKind(
    "account_missing",
    "A volunteer has no account.",
    "It opens by itself with the volunteer's next hours.",
)
ACCOUNT_STATE = DifferenceKind(
    "account_state",
    "An account and its volunteer are in different states.",
    "For a suspension: suspend the volunteer and activate them again. Else compare with a backup.",
)
ACCOUNT_UNKNOWN = DifferenceKind(
    "account_unknown",
    "An account belongs to somebody whom registration does not have.",
    "After a restore: register the volunteer again; the centre decides what the account keeps.",
)
POOL_WISH_MISSING = DifferenceKind(
    "pool_wish_missing",
    "The pool does not know a wish that is on the tree.",
    "The pool cannot grant it. Claiming and releasing the wish makes it known.",
)
POOL_WISH_STATE = DifferenceKind(
    "pool_wish_state",
    "The pool and the tree disagree about whether a wish is free.",
    "Wishes is right. Claiming and releasing the wish sets it right.",
)
POOL_WISH_UNKNOWN = DifferenceKind(
    "pool_wish_unknown",
    "The pool knows a wish that is not on the tree and never was.",
    "After a restore: submit the wish again, or take no notice: it cannot be granted.",
)
POOL_WISH_VOUCHER = DifferenceKind(
    "pool_wish_voucher",
    "A voucher was taken out of the pool for a wish that is not granted by it.",
    "Ask its holder for it and void it, or claim and release the wish: it then returns.",
)
VOUCHER_WITHOUT_REDEMPTION = DifferenceKind(
    "voucher_without_redemption",
    "A voucher counts as used and no redemption says where.",
    "Ask the venue for its reference; its next report brings up a dispute that a person decides.",
)
REDEMPTION_OF_UNUSED = DifferenceKind(
    "redemption_of_unused",
    "A redemption stands and its voucher does not count as used.",
    "Reverse the redemption if the visit did not happen; else void the voucher.",
)
REDEMPTION_NOT_IN_JOURNAL = DifferenceKind(
    "redemption_not_in_journal",
    "A redemption, or its reversal, is not in the journal.",
    "Audit the ledger, and do not close the venue's month before it is explained.",
)
SETTLEMENT_LINE = DifferenceKind(
    "settlement_line",
    "A redemption is settled without standing in a settlement, or the other way round.",
    "Reopen the venue's newest month and close it again.",
)
SETTLEMENT_SUM = DifferenceKind(
    "settlement_sum",
    "The sum of a settlement is not the sum of its lines.",
    "Reopen the venue's month and close it again before it is paid.",
)
KINDS = (
    CREDIT_MISSING,
    CREDIT_WITHOUT_RECORD,
    CREDIT_MINUTES,
    CREDIT_VOLUNTEER,
    TRANSFER_WITHOUT_CREDIT,
    CORRECTION_MISSING,
    CORRECTION_UNKNOWN,
    CORRECTION_MINUTES,
    ACCOUNT_MISSING,
    ACCOUNT_STATE,
    ACCOUNT_UNKNOWN,
    POOL_WISH_MISSING,
    POOL_WISH_STATE,
    POOL_WISH_UNKNOWN,
    POOL_WISH_VOUCHER,
    VOUCHER_WITHOUT_REDEMPTION,
    REDEMPTION_OF_UNUSED,
    REDEMPTION_NOT_IN_JOURNAL,
    SETTLEMENT_LINE,
    SETTLEMENT_SUM,
)


class CreditCopy(NamedTuple):
    """A credited record; `id` is the record."""

    id: UUID
    volunteer_id: UUID  #: as the event had it
    owner_id: UUID  #: whose account it is now, after mergers
    minutes: int  #: as first recorded


def compare_credit(record: RecordEvidence | None, credit: CreditCopy | None) -> Difference | None:
    """Compare a record with its credit."""
    if record is None:
        return _without_record(credit) if credit else None
    if credit is None:
        there = f"{record.minutes} min"
        return CREDIT_MISSING(record.id, NOTHING, there, record.volunteer_id)
    people = (record.volunteer_id, credit.volunteer_id, credit.owner_id)
    if record.volunteer_id != credit.owner_id:
        return CREDIT_VOLUNTEER(record.id, credit.owner_id, record.volunteer_id, *people)
    if record.minutes != credit.minutes:
        return CREDIT_MINUTES(record.id, f"{credit.minutes} min", f"{record.minutes} min", *people)
    return None


def _without_record(credit: CreditCopy) -> Difference:
    here = f"{credit.minutes} min"
    return CREDIT_WITHOUT_RECORD(credit.id, here, NOTHING, credit.volunteer_id)


class CorrectionCopy(NamedTuple):
    """A correction that was applied."""

    id: UUID
    record_id: UUID
    minutes: int  #: new minus old


def compare_correction(
    theirs: CorrectionEvidence | None, ours: CorrectionCopy | None
) -> Difference | None:
    """Compare an approved correction with the one that was applied."""
    if theirs is None:
        return CORRECTION_UNKNOWN(ours.id, _change(ours), NOTHING, ours.record_id) if ours else None
    if ours is None:
        return CORRECTION_MISSING(theirs.id, NOTHING, _change(theirs), theirs.record_id)
    if (ours.record_id, ours.minutes) == (theirs.record_id, theirs.minutes):
        return None
    records = (ours.record_id, theirs.record_id)
    return CORRECTION_MINUTES(theirs.id, _change(ours), _change(theirs), *records)


def _change(correction: CorrectionEvidence | CorrectionCopy) -> str:
    return f"{correction.minutes:+} min"


class AccountCopy(NamedTuple):
    """The account of a volunteer."""

    id: UUID
    status: AccountStatus
    merged_into: UUID | None
    suspended: bool
    minutes_credited: int

    @property
    def state(self) -> str:
        suspended = self.suspended and self.status is AccountStatus.OPEN
        return _state("suspended" if suspended else self.status, self.merged_into)

    @property
    def is_blank(self) -> bool:
        """A request opened it, for somebody who need not be a volunteer."""
        return self.state == AccountStatus.OPEN and not self.minutes_credited


_STATES = {
    "applied": "open",
    "active": "open",
    "suspended": "suspended",
    "left": "closed",
    "merged": "merged",
    "erased": "erased",
}


def _state(status: str, merged_into: UUID | None) -> str:
    return status if merged_into is None else f"{status} into {merged_into}"


def compare_account(
    volunteer: VolunteerEvidence | None, account: AccountCopy | None
) -> Difference | None:
    """Compare a volunteer with their account."""
    if volunteer is None:
        if account is None or account.is_blank:
            return None
        return ACCOUNT_UNKNOWN(account.id, account.state, NOTHING)
    there = _state(_STATES.get(volunteer.status, volunteer.status), volunteer.merged_into_id)
    if account is None:
        return ACCOUNT_MISSING(volunteer.id, NOTHING, there)
    people = (account.merged_into, volunteer.merged_into_id)
    return (
        None if account.state == there else ACCOUNT_STATE(account.id, account.state, there, *people)
    )


class PoolWishCopy(NamedTuple):
    """A wish as the pool knows it."""

    id: UUID
    status: PoolWishStatus
    voucher_id: UUID | None


def compare_pool_wish(wish: WishEvidence | None, copy: PoolWishCopy | None) -> Difference | None:
    """Compare a wish with what the pool knows of it, and with the voucher it gave for it."""
    if wish is None:
        return POOL_WISH_UNKNOWN(copy.id, copy.status, NOTHING) if copy else None
    if copy is None:
        return POOL_WISH_MISSING(wish.id, NOTHING, wish.status)
    status, voucher_id = _expected_of_pool(wish)
    if copy.status is not status:
        return POOL_WISH_STATE(wish.id, copy.status, wish.status)
    if copy.voucher_id != voucher_id:
        there = voucher_id or wish.status
        return POOL_WISH_VOUCHER(wish.id, copy.voucher_id or NOTHING, there)
    return None


def _expected_of_pool(wish: WishEvidence) -> tuple[PoolWishStatus, UUID | None]:
    if wish.status == "published":
        return PoolWishStatus.OPEN, None
    is_held = wish.status in ("claimed", "fulfilled", "confirmed")
    if is_held and wish.claimer_kind is ClaimerKind.POOL:
        return PoolWishStatus.GRANTED, wish.claimer_id
    return PoolWishStatus.CLOSED, None


_OWNER_ID = func.coalesce(Account.merged_into, CreditedRecord.volunteer_id)

COMPARISONS = (
    Comparison(
        RecordEvidence,
        RecordEvidence.source,
        RecordEvidence.kind,
        Keyset(
            CreditedRecord.record_id,
            select(
                CreditedRecord.record_id.label("id"),
                CreditedRecord.volunteer_id,
                _OWNER_ID.label("owner_id"),
                CreditedRecord.minutes,
            )
            .outerjoin(Account, Account.volunteer_id == CreditedRecord.volunteer_id)
            .where(CreditedRecord.recorded),
        ),
        CreditCopy,
        compare_credit,
    ),
    Comparison(
        CorrectionEvidence,
        CorrectionEvidence.source,
        CorrectionEvidence.kind,
        Keyset(
            Correction.correction_id,
            select(Correction.correction_id.label("id"), Correction.record_id, Correction.minutes),
        ),
        CorrectionCopy,
        compare_correction,
    ),
    Comparison(
        VolunteerEvidence,
        VolunteerEvidence.source,
        VolunteerEvidence.kind,
        Keyset(
            Account.volunteer_id,
            select(
                Account.volunteer_id.label("id"),
                Account.status,
                Account.merged_into,
                Account.suspended,
                Account.minutes_credited,
            ),
        ),
        AccountCopy,
        compare_account,
    ),
    Comparison(
        WishEvidence,
        WishEvidence.source,
        WishEvidence.kind,
        Keyset(
            PoolWish.wish_id,
            select(PoolWish.wish_id.label("id"), PoolWish.status, PoolWish.voucher_id),
        ),
        PoolWishCopy,
        compare_pool_wish,
    ),
)

_USED = Voucher.status.in_([VoucherStatus.REDEEMED, VoucherStatus.SETTLED])
_STANDS = select(Redemption.id).where(
    Redemption.voucher_id == Voucher.id, Redemption.reversed_at.is_(None)
)
_LINE = select(SettlementLine.redemption_id).where(
    SettlementLine.redemption_id == Redemption.id, SettlementLine.stands
)
_CREDITED = select(CreditedRecord.record_id).where(
    CreditedRecord.record_id == Transfer.cause_id, CreditedRecord.recorded
)


def _booked(kind: TransferKind) -> Select[UUID]:
    return select(Transfer.id).where(Transfer.kind == kind, Transfer.cause_id == Redemption.id)


def _sums_that_differ() -> Select[*tuple[Any, ...]]:
    """Settlements whose sums are not those of their lines, also where they were reopened."""
    lines = (
        select(
            func.count().label("redemptions"),
            func.coalesce(func.sum(Transfer.amount), 0).label("points"),
            func.coalesce(func.sum(Voucher.cost_fen), 0).label("fen"),
        )
        .select_from(SettlementLine)
        .join(Redemption, Redemption.id == SettlementLine.redemption_id)
        .join(Voucher, Voucher.id == Redemption.voucher_id)
        .outerjoin(
            Transfer,
            (Transfer.cause_id == Redemption.id) & (Transfer.kind == TransferKind.REDEEMED),
        )
        .where(SettlementLine.settlement_id == Settlement.id)
        .lateral("lines")
    )
    here = func.concat(Settlement.redemptions, " / ", Settlement.points, " / ", Settlement.fen)
    there = func.concat(lines.c.redemptions, " / ", lines.c.points, " / ", lines.c.fen)
    return (
        select(Settlement.id, here.label("here"), there.label("there"))
        .join(lines, literal(True))
        .where(
            or_(
                Settlement.redemptions != lines.c.redemptions,
                Settlement.points != lines.c.points,
                Settlement.fen != lines.c.fen,
            )
        )
    )


OWN_CHECKS = (
    OwnCheck(
        TRANSFER_WITHOUT_CREDIT,
        Transfer.id,
        select(
            Transfer.cause_id.label("id"),
            Transfer.amount.label("here"),
            literal(NOTHING).label("there"),
        ).where(Transfer.kind == TransferKind.EARNED, ~_CREDITED.exists()),
    ),
    OwnCheck(
        VOUCHER_WITHOUT_REDEMPTION,
        Voucher.id,
        select(Voucher.id, Voucher.status.label("here"), literal(NOTHING).label("there")).where(
            _USED, ~_STANDS.exists()
        ),
    ),
    OwnCheck(
        REDEMPTION_OF_UNUSED,
        Redemption.id,
        select(Redemption.id, Voucher.status.label("here"), literal("redeemed").label("there"))
        .join(Voucher, Voucher.id == Redemption.voucher_id)
        .where(Redemption.reversed_at.is_(None), ~_USED),
    ),
    OwnCheck(
        REDEMPTION_NOT_IN_JOURNAL,
        Redemption.id,
        select(
            Redemption.id,
            literal(NOTHING).label("here"),
            case((Redemption.reversed_at.is_(None), "redeemed"), else_="reversed").label("there"),
        ).where(
            or_(
                ~_booked(TransferKind.REDEEMED).exists(),
                Redemption.reversed_at.is_not(None) & ~_booked(TransferKind.REVERSED).exists(),
            )
        ),
    ),
    OwnCheck(
        SETTLEMENT_LINE,
        Redemption.id,
        select(
            Redemption.id,
            case((Redemption.settled_at.is_(None), "unsettled"), else_="settled").label("here"),
            case((_LINE.exists(), "in a settlement"), else_=NOTHING).label("there"),
        ).where(Redemption.settled_at.is_(None) == _LINE.exists()),
    ),
    OwnCheck(SETTLEMENT_SUM, Settlement.id, _sums_that_differ()),
)

CHECKS = (*COMPARISONS, *OWN_CHECKS)
