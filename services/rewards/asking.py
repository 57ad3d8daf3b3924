"""Who may ask for something: the account that stands for a person now, open and not suspended."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.rewards.models import Account, AccountStatus
from shared.core.problems import Conflict


class AccountEnded(Conflict):
    """This account has ended."""


class AccountSuspended(Conflict):
    """This volunteer is suspended at present."""


def stands_for(session: Session, person_id: UUID) -> UUID:
    """Whose account counts for this id now: its own, or the one it was merged into."""
    merged_into = session.scalar(select(Account.merged_into).where(Account.volunteer_id == person_id))
    return stands_for(session, merged_into) if merged_into else person_id


def lock_accounts(session: Session, person_ids: Iterable[UUID]) -> dict[UUID, Account]:
    """The accounts that stand for these people, by the ids asked for, locked in id order. Who has none is missing."""
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
    """Who has no account here, such as a coordinator, is not barred. Raises AccountEnded, AccountSuspended."""
    if account is None:
        return
    if account.status is not AccountStatus.OPEN:
        raise AccountEnded(f"The account of {account.volunteer_id} is {account.status}.")
    if account.suspended:
        raise AccountSuspended(f"{account.volunteer_id} may not ask for anything until activated again.")


def everybody_merged(session: Session, person_id: UUID) -> set[UUID]:
    """This id, and those of duplicates that were merged into it."""
    return {person_id, *session.scalars(select(Account.volunteer_id).where(Account.merged_into == person_id))}
