"""The operator's view of the ledger: head, audit, closing a month."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

import click
from sqlalchemy.orm import Session

from console.services import operator_transaction
from services.rewards.ledger import audit, balances, seal
from services.rewards.settlement import closing
from services.rewards.settlement.months import Month
from shared.core.problems import Problem
from shared.core.settings import Settings
from shared.db.engine import Database, transaction, using


def head_of_ledger() -> str | None:
    """Return the newest head of the journal's chain as NUMBER:HASH; None before the first seal."""
    with operator_transaction("rewards") as session:
        head = seal.newest_seal(session)
        return f"{head.number}:{head.hash.hex()}" if head is not None else None


def audit_ledger(kept: str | None, report: Callable[[str], None]) -> audit.Finding | None:
    """Check the whole journal, page by page; return the first finding, or None.

    Each page has a transaction of its own. `kept` is a head, NUMBER:HASH, that must be in the
    chain.
    """
    try:
        head = audit.read_head(kept) if kept else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--head") from None
    check_chain = partial(audit.check_chain, head=head)
    with using(Database("rewards", Settings.read())):
        return (
            _first_finding(_pages(check_chain, 1), report, "transfers up to seal {.checked_to}")
            or _first_finding(_pages(balances.check_accounts, None), report, "{.accounts} accounts")
            or _check_books()
        )


def _first_finding(
    pages: Iterator[Any], report: Callable[[str], None], words: str
) -> audit.Finding | None:
    for count, page in enumerate(pages, 1):
        report(f"page {count}: {words.format(page)}")
        if page.finding is not None:
            finding: audit.Finding = page.finding
            return finding
    return None


def _check_books() -> audit.Finding | None:
    with transaction() as session:
        return balances.check_books(session)


def _pages(check: Callable[[Session, Any], Any], start: Any) -> Iterator[Any]:
    while True:
        with transaction() as session:
            page = check(session, start)
        yield page
        start = page.next
        if start is None:
            return


def settle_month(month: str, venue_id: UUID | None) -> Iterator[tuple[str, bool]]:
    """Close a month of each venue that has something to settle, each by itself.

    Yields a line to print, and whether the month was closed.
    """
    with using(Database("rewards", Settings.read())):
        try:
            wanted = Month.parse(month)
        except Problem as problem:
            raise click.ClickException(problem.detail) from None
        with transaction() as session:
            venues = closing.venues_to_settle(session, wanted, venue_id)
        for id_, name in venues:
            yield _close(wanted, id_, name)


def _close(month: Month, venue_id: UUID, name: str) -> tuple[str, bool]:
    try:
        with transaction() as session:
            done = closing.close_month(session, venue_id, month, "operator")
    except Problem as problem:
        return f"{venue_id}  {name}: refused. {problem.title()} {problem.detail}", False
    owed = done.fen + done.disputes_fen
    return f"{venue_id}  {name}: {done.redemptions} redemptions, {owed / 100:,.2f} CNY", True
