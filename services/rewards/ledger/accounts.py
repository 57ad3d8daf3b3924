"""Accounts: who may ask, opened, locked in id order, merged, ended. No balance goes below zero.

Rows are locked in one order everywhere: service records by id, then accounts by id, then vouchers,
stock last.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.rewards.ledger.journal import (
    OUTSIDE,
    REGISTRATION,
    held,
    owed,
    record_transfers,
    transfer,
    volunteer,
)
from services.rewards.models import (
    Account,
    AccountStatus,
    StandingChoice,
    TransferKind,
)
from shared.core.problems import Conflict


@dataclass(frozen=True, slots=True)
class Balance:
    """An open account after a credit."""

    volunteer_id: UUID
    points: int
    choice: StandingChoice
    preferred: UUID | None = None  #: the product its volunteer would rather have


def balance_of_account(account: Account) -> Balance:
    """Of a locked and fresh row."""
    return Balance(
        account.volunteer_id,
        account.points_available,
        account.standing_choice,
        account.preferred_product_id,
    )


def repay(
    session: Session,
    volunteer_id: UUID,
    shortfall: int,
    points: int,
    cause_id: UUID,
    rows: list[dict[str, Any]],
) -> int:
    """Pay what is owed from what is there. The account's row is locked by the caller."""
    paid = min(shortfall, points)
    if paid:
        session.execute(
            update(Account)
            .where(Account.volunteer_id == volunteer_id)
            .values(
                points_available=Account.points_available - paid, shortfall=Account.shortfall - paid
            )
        )
        rows.append(
            transfer(
                volunteer(volunteer_id),
                owed(volunteer_id),
                paid,
                TransferKind.REPAID,
                cause_id,
                volunteer_id=volunteer_id,
                actor=REGISTRATION,
            )
        )
    return paid


def lock_account(session: Session, volunteer_id: UUID) -> Account:
    """The account that stands for a volunteer now, merges followed, opened if need be, and
    locked.
    """
    while True:
        session.execute(insert(Account).values(volunteer_id=volunteer_id).on_conflict_do_nothing())
        account = session.scalars(
            select(Account)
            .where(Account.volunteer_id == volunteer_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).one()
        if account.merged_into is None:
            return account
        volunteer_id = account.merged_into


def open_accounts(session: Session, volunteer_ids: Iterable[UUID]) -> None:
    """Open accounts that are not there yet, empty."""
    rows = [{"volunteer_id": volunteer_id} for volunteer_id in sorted(set(volunteer_ids))]
    session.execute(insert(Account).values(rows).on_conflict_do_nothing())


def set_suspended(session: Session, volunteer_id: UUID, suspended: bool, sequence: int) -> None:
    """Remember the newest word of registration on a volunteer; an older one changes nothing."""
    open_accounts(session, [volunteer_id])
    session.execute(
        update(Account)
        .where(Account.volunteer_id == volunteer_id, Account.suspended_sequence < sequence)
        .values(suspended=suspended, suspended_sequence=sequence)
    )


def merge_points(session: Session, duplicate: Account, target: Account) -> None:
    """Move everything an account has to the one that stays. Both are locked; the duplicate is empty
    afterwards.
    """
    old, new = duplicate.volunteer_id, target.volunteer_id
    moves = (
        (duplicate.points_available, volunteer(old), volunteer(new), TransferKind.MERGED),
        (duplicate.points_held, held(old), held(new), TransferKind.MERGED_HELD),
        (duplicate.shortfall, owed(new), owed(old), TransferKind.MERGED_OWED),
    )
    rows = [
        transfer(debit, credit, amount, kind, old, volunteer_id=new, actor=REGISTRATION)
        for amount, debit, credit, kind in moves
        if amount
    ]
    target.points_available += duplicate.points_available
    target.points_held += duplicate.points_held
    target.shortfall += duplicate.shortfall
    target.minutes_credited += duplicate.minutes_credited
    duplicate.points_available = duplicate.points_held = duplicate.shortfall = (
        duplicate.minutes_credited
    ) = 0
    duplicate.status, duplicate.merged_into = AccountStatus.MERGED, new
    session.execute(update(Account).where(Account.merged_into == old).values(merged_into=new))
    session.flush()
    record_transfers(session, rows)
    settle_shortfall(session, target, old)


def settle_shortfall(session: Session, account: Account, cause_id: UUID) -> None:
    """Pay what is owed from points that came without new minutes. The account is locked."""
    if account.shortfall and account.points_available:
        rows: list[dict[str, Any]] = []
        repay(
            session,
            account.volunteer_id,
            account.shortfall,
            account.points_available,
            cause_id,
            rows,
        )
        record_transfers(session, rows)
        session.refresh(account)


def forfeit(session: Session, account: Account, *, cause_id: UUID) -> None:
    """Empty an account that ends: points go back outside, a shortfall is forgiven. Minutes stay. It
    is locked.
    """
    me, rows = account.volunteer_id, []
    if account.points_available:
        rows.append(
            transfer(
                volunteer(me),
                OUTSIDE,
                account.points_available,
                TransferKind.FORFEITED,
                cause_id,
                volunteer_id=me,
                actor=REGISTRATION,
            )
        )
    if account.shortfall:
        rows.append(
            transfer(
                OUTSIDE,
                owed(me),
                account.shortfall,
                TransferKind.FORGIVEN,
                cause_id,
                volunteer_id=me,
                actor=REGISTRATION,
            )
        )
    account.points_available = account.shortfall = 0
    session.flush()
    record_transfers(session, rows)


class AccountEnded(Conflict):
    """This account has ended."""


class AccountSuspended(Conflict):
    """This volunteer is suspended at present."""


def stands_for(session: Session, person_id: UUID) -> UUID:
    """Whose account counts for this id now: its own, or the one it was merged into."""
    merged_into = session.scalar(
        select(Account.merged_into).where(Account.volunteer_id == person_id)
    )
    return stands_for(session, merged_into) if merged_into else person_id


def lock_accounts(session: Session, person_ids: Iterable[UUID]) -> dict[UUID, Account]:
    """The accounts that stand for these people, by the ids asked for, locked in id order. Who has
    none is missing.
    """
    while True:
        now = {person_id: stands_for(session, person_id) for person_id in person_ids}
        rows = session.scalars(
            select(Account)
            .where(Account.volunteer_id.in_(set(now.values())))
            .order_by(Account.volunteer_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).all()
        if all(row.merged_into is None for row in rows):  # else a merge came between: look again
            found = {row.volunteer_id: row for row in rows}
            return {asked: found[owner] for asked, owner in now.items() if owner in found}


def check_standing(account: Account | None) -> None:
    """Who has no account here, such as a coordinator, is not barred. Raises AccountEnded,
    AccountSuspended.
    """
    if account is None:
        return
    if account.status is not AccountStatus.OPEN:
        raise AccountEnded(f"The account of {account.volunteer_id} is {account.status}.")
    if account.suspended:
        raise AccountSuspended(
            f"{account.volunteer_id} may not ask for anything until activated again."
        )


def everybody_merged(session: Session, person_id: UUID) -> set[UUID]:
    """This id, and those of duplicates that were merged into it."""
    return {
        person_id,
        *session.scalars(select(Account.volunteer_id).where(Account.merged_into == person_id)),
    }
