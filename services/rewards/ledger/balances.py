"""The balances: balance rows against the journal, account by account and all together.

Accounts go in pages of bounded size; what concerns all books reads the whole journal once.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Uuid, bindparam, text
from sqlalchemy.orm import Session

from services.rewards.ledger.audit import Finding, Flaw


@dataclass(frozen=True, slots=True)
class AccountsPage:
    """Accounts checked; `next` is the volunteer after whom to go on, if anywhere."""

    accounts: int
    finding: Finding | None
    next: UUID | None


# One statement, so one snapshot: an account and its transfers change in one transaction. A merge
# is booked under the volunteer who stays, so the duplicate's side is found by its cause.
_ACCOUNTS = text(
    """
    SELECT a.volunteer_id, a.points_available, a.points_held, a.shortfall,
        coalesce(j.available, 0) AS available,
        coalesce(j.held, 0) AS held,
        coalesce(-j.owed, 0) AS owed
    FROM (
        SELECT * FROM accounts WHERE volunteer_id > :after ORDER BY volunteer_id LIMIT :limit
    ) AS a
    CROSS JOIN LATERAL (
        SELECT
            sum(points) FILTER (WHERE account = 'volunteer:' || a.volunteer_id) AS available,
            sum(points) FILTER (WHERE account = 'held:' || a.volunteer_id) AS held,
            sum(points) FILTER (WHERE account = 'owed:' || a.volunteer_id) AS owed
        FROM (
            SELECT debit_account, credit_account, amount FROM transfers
            WHERE volunteer_id = a.volunteer_id
            UNION ALL
            SELECT debit_account, credit_account, amount FROM transfers
            WHERE kind IN ('merged', 'merged_held', 'merged_owed') AND cause_id = a.volunteer_id
                AND volunteer_id IS DISTINCT FROM a.volunteer_id
        ) AS t
        CROSS JOIN LATERAL (
            VALUES (t.credit_account, t.amount), (t.debit_account, -t.amount)
        ) AS sides (account, points)
    ) AS j ORDER BY a.volunteer_id
    """
).bindparams(bindparam("after", type_=Uuid()))


def check_accounts(session: Session, after: UUID | None = None, limit: int = 500) -> AccountsPage:
    """Check the balance rows of the next accounts against the sums of the journal.

    Accounts go in the order of ids.
    """
    rows = session.execute(_ACCOUNTS, {"after": after or UUID(int=0), "limit": limit}).all()
    for row in rows:
        finding = _check_account(row)
        if finding is not None:
            return AccountsPage(len(rows), finding, None)
    return AccountsPage(len(rows), None, rows[-1].volunteer_id if len(rows) == limit else None)


def _check_account(row: Row[Any]) -> Finding | None:
    balances = (
        ("volunteer", row.points_available, row.available),
        ("held", row.points_held, row.held),
        ("owed", row.shortfall, row.owed),
    )
    for book, kept, summed in balances:
        if kept != summed:
            account = f"{book}:{row.volunteer_id}"
            detail = f"Account {account} holds {kept}, the journal says {summed}."
            return Finding(Flaw.BALANCE, detail, account=account)
    return None


@dataclass(frozen=True, slots=True)
class Book:
    """One book of the trial balance: all accounts of one kind together."""

    book: str
    debit: int  #: points that left it
    credit: int  #: points that came in
    balance: int


# The scan of the whole journal is done once; each row is on both sides.
_BOOKS = text(
    """
    WITH moved AS (
        SELECT split_part(debit_account, ':', 1) AS debit,
            split_part(credit_account, ':', 1) AS credit,
            sum(amount) AS points
        FROM transfers GROUP BY 1, 2
    )
    SELECT book, CAST(sum(debited) AS bigint) AS debit, CAST(sum(credited) AS bigint) AS credit,
        CAST(sum(credited - debited) AS bigint) AS balance, kept.points AS kept
    FROM (SELECT debit AS book, points AS debited, 0 AS credited FROM moved
          UNION ALL SELECT credit, 0, points FROM moved) AS sides
    LEFT JOIN (
        SELECT 'volunteer' AS book, sum(points_available) AS points FROM accounts
        UNION ALL SELECT 'held', sum(points_held) FROM accounts
        UNION ALL SELECT 'owed', -sum(shortfall) FROM accounts
    ) AS kept USING (book)
    GROUP BY book, kept.points ORDER BY book
    """
)


def trial_balance(session: Session) -> list[Book]:
    """Sum what came into and left each book since the beginning; the balances sum to zero.

    Reads the whole journal.
    """
    return [Book(row.book, row.debit, row.credit, row.balance) for row in session.execute(_BOOKS)]


def check_books(session: Session) -> Finding | None:
    """Check that the books of accounts sum to the balance rows: no transfer is of an account
    without a row.

    Reads the whole journal.
    """
    for row in session.execute(_BOOKS):
        if row.kept is not None and row.kept != row.balance:
            detail = (
                f"The accounts of book {row.book} hold {row.kept} together,"
                f" the journal says {row.balance}."
            )
            return Finding(Flaw.BOOK, detail, account=row.book)
    return None
