"""Accounts: opened, locked, merged, ended. No balance goes below zero.

Rows are locked in one order everywhere: service records by id, then accounts by id, then vouchers,
stock last. A transaction that needs several accounts locks them all before changing one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.rewards.ledger.journal import (
    OUTSIDE,
    REGISTRATION,
    TransferDraft,
    held,
    owed,
    record_transfers,
    volunteer,
)
from services.rewards.models import (
    Account,
    AccountStatus,
    StandingChoice,
    TransferKind,
)
from shared.core.problems import Conflict


class AccountEnded(Conflict):
    """This account has ended."""


class AccountSuspended(Conflict):
    """This volunteer is suspended at present."""


@dataclass(frozen=True, slots=True)
class Balance:
    """An open account after a credit."""

    volunteer_id: UUID
    points: int
    choice: StandingChoice
    preferred: UUID | None = None  #: the product its volunteer would rather have


def balance_of_account(account: Account) -> Balance:
    """Read the balance of a locked and fresh row."""
    return Balance(
        account.volunteer_id,
        account.points_available,
        account.standing_choice,
        account.preferred_product_id,
    )


def open_accounts(session: Session, volunteer_ids: Iterable[UUID]) -> None:
    """Open accounts that are not there yet, empty."""
    rows = [{"volunteer_id": volunteer_id} for volunteer_id in sorted(set(volunteer_ids))]
    session.execute(insert(Account).values(rows).on_conflict_do_nothing())


def lock_rows(session: Session, volunteer_ids: Iterable[UUID]) -> dict[UUID, Account]:
    """Lock the rows of exactly these accounts in the order of ids, and read them fresh.

    Merges are not followed. An id without an account is missing from the result.
    """
    rows = session.scalars(
        select(Account)
        .where(Account.volunteer_id.in_(set(volunteer_ids)))
        .order_by(Account.volunteer_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.volunteer_id: row for row in rows}


def lock_accounts(session: Session, person_ids: Iterable[UUID]) -> dict[UUID, Account]:
    """Lock the accounts that these people have now: their own, or those they were merged into.

    The result is by the ids that were passed; a person without an account is missing from it.
    """
    people = set(person_ids)
    while True:
        owners = _owners_of(session, people)
        locked = lock_rows(session, owners.values())
        # A merge between the two statements makes an owner a duplicate: look again.
        if all(account.merged_into is None for account in locked.values()):
            return {person_id: locked[owner_id] for person_id, owner_id in owners.items()}


def _owners_of(session: Session, person_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Map people to the accounts that they have now. `merge_points` keeps chains one step long."""
    owner = func.coalesce(Account.merged_into, Account.volunteer_id)
    rows = session.execute(
        select(Account.volunteer_id, owner.label("owner_id")).where(
            Account.volunteer_id.in_(person_ids)
        )
    )
    return {row.volunteer_id: row.owner_id for row in rows}


def open_and_lock(session: Session, person_ids: Iterable[UUID]) -> dict[UUID, Account]:
    """Open accounts that are not there yet, then lock as `lock_accounts`: none is missing."""
    people = set(person_ids)
    open_accounts(session, people)
    return lock_accounts(session, people)


def lock_account(session: Session, person_id: UUID) -> Account:
    """Lock the account that one person has now; open it first if there is none."""
    return open_and_lock(session, [person_id])[person_id]


def set_suspended(session: Session, volunteer_id: UUID, suspended: bool, sequence: int) -> None:
    """Store whether registration has suspended a volunteer; an older event changes nothing."""
    open_accounts(session, [volunteer_id])
    session.execute(
        update(Account)
        .where(Account.volunteer_id == volunteer_id, Account.suspended_sequence < sequence)
        .values(suspended=suspended, suspended_sequence=sequence)
    )


def merge_points(session: Session, duplicate: Account, target: Account) -> None:
    """Move everything that an account has to the one that stays, and empty it. Both are locked."""
    old, new = duplicate.volunteer_id, target.volunteer_id
    drafts = _drafts_of_merge(duplicate, target)
    _add_balances(duplicate, target)
    duplicate.status, duplicate.merged_into = AccountStatus.MERGED, new
    session.execute(update(Account).where(Account.merged_into == old).values(merged_into=new))
    session.flush()
    record_transfers(session, drafts)
    settle_shortfall(session, target, old)


def _drafts_of_merge(duplicate: Account, target: Account) -> list[TransferDraft]:
    old, new = duplicate.volunteer_id, target.volunteer_id

    def draft(debit: str, credit: str, amount: int, kind: TransferKind) -> TransferDraft:
        return TransferDraft(debit, credit, amount, kind, old, volunteer_id=new, actor=REGISTRATION)

    drafts = [
        draft(volunteer(old), volunteer(new), duplicate.points_available, TransferKind.MERGED),
        draft(held(old), held(new), duplicate.points_held, TransferKind.MERGED_HELD),
        draft(owed(new), owed(old), duplicate.shortfall, TransferKind.MERGED_OWED),
    ]
    return [one for one in drafts if one.amount]


def _add_balances(duplicate: Account, target: Account) -> None:
    target.points_available += duplicate.points_available
    target.points_held += duplicate.points_held
    target.shortfall += duplicate.shortfall
    target.minutes_credited += duplicate.minutes_credited
    duplicate.points_available = duplicate.points_held = 0
    duplicate.shortfall = duplicate.minutes_credited = 0


def repay(session: Session, balance: Balance, shortfall: int, cause_id: UUID) -> TransferDraft:
    """Pay as much of a shortfall as the points allow, and return the transfer to record.

    The account is locked, and has both a shortfall and points.
    """
    owner_id, paid = balance.volunteer_id, min(shortfall, balance.points)
    session.execute(
        update(Account)
        .where(Account.volunteer_id == owner_id)
        .values(
            points_available=Account.points_available - paid, shortfall=Account.shortfall - paid
        )
    )
    return TransferDraft(
        volunteer(owner_id),
        owed(owner_id),
        paid,
        TransferKind.REPAID,
        cause_id,
        volunteer_id=owner_id,
        actor=REGISTRATION,
    )


def settle_shortfall(session: Session, account: Account, cause_id: UUID) -> None:
    """Repay the shortfall from points that came without new minutes. The account is locked."""
    if account.shortfall and account.points_available:
        repaid = repay(session, balance_of_account(account), account.shortfall, cause_id)
        record_transfers(session, [repaid])
        session.refresh(account)


def forfeit(session: Session, account: Account, *, cause_id: UUID) -> None:
    """Empty an account that ends: points go back outside, a shortfall is forgiven.

    Minutes stay. The account is locked.
    """
    drafts = _drafts_of_forfeit(account, cause_id)
    account.points_available = account.shortfall = 0
    session.flush()
    record_transfers(session, drafts)


def _drafts_of_forfeit(account: Account, cause_id: UUID) -> list[TransferDraft]:
    owner_id = account.volunteer_id
    forfeited = TransferDraft(
        volunteer(owner_id),
        OUTSIDE,
        account.points_available,
        TransferKind.FORFEITED,
        cause_id,
        volunteer_id=owner_id,
        actor=REGISTRATION,
    )
    forgiven = TransferDraft(
        OUTSIDE,
        owed(owner_id),
        account.shortfall,
        TransferKind.FORGIVEN,
        cause_id,
        volunteer_id=owner_id,
        actor=REGISTRATION,
    )
    return [one for one in (forfeited, forgiven) if one.amount]


def check_standing(account: Account | None) -> None:
    """Refuse an account that has ended or is suspended.

    A person without an account here, such as a coordinator, is not refused. Raises AccountEnded,
    AccountSuspended.
    """
    if account is None:
        return
    if account.status is not AccountStatus.OPEN:
        raise AccountEnded(f"The account of {account.volunteer_id} is {account.status}.")
    if account.suspended:
        raise AccountSuspended(
            f"{account.volunteer_id} may not request anything until activated again."
        )


def everybody_merged(session: Session, person_id: UUID) -> set[UUID]:
    """Return this id, and the ids of the duplicates that were merged into it."""
    return {
        person_id,
        *session.scalars(select(Account.volunteer_id).where(Account.merged_into == person_id)),
    }
