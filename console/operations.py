"""What the operator's commands do, on the services' own tables and verbs."""

import importlib
import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shared import SERVICES
from shared.contracts.base import catalogue
from shared.core.clock import app_now
from shared.core.problems import Problem
from shared.core.settings import Settings
from shared.db.engine import Database, transaction, using
from shared.messaging.attempts import Attempt, DeadLetter, replay
from shared.service.bus_process import inbox_of
from shared.service.catch_up import Walker

DOCS = Path(__file__).parent.parent / "docs" / "events"


def dead_letters_of(service: str) -> Sequence[DeadLetter]:
    """Dead letters that were not replayed, newest first, at most 1,000."""
    with using(Database(service, Settings.read())), transaction() as session:
        waiting = select(DeadLetter).where(DeadLetter.replayed_at.is_(None))
        return session.scalars(waiting.order_by(DeadLetter.died_at.desc()).limit(1000)).all()


def find_dead_letter(letter_id: UUID) -> tuple[str, DeadLetter]:
    for service in SERVICES:
        with using(Database(service, Settings.read())), transaction() as session:
            letter = session.get(DeadLetter, letter_id)
            if letter is not None:
                return service, letter
    raise click.ClickException(f"No dead letter {letter_id}.")


def replay_letters(letter_ids: Sequence[UUID], everything: bool) -> int:
    """Give letters new attempts. Returns how many."""
    count = 0
    for service in SERVICES:
        with using(Database(service, Settings.read())), transaction() as session:
            letters = (
                select(DeadLetter)
                .where(DeadLetter.replayed_at.is_(None), DeadLetter.event_id.is_not(None))  # what is no event stays
                .with_for_update(skip_locked=True)
            )
            if not everything:
                letters = letters.where(DeadLetter.id.in_(letter_ids))
            for letter in session.scalars(letters):
                replay(session, letter)
                count += 1
    return count


def reconcile(service: str) -> int:
    """Walk every feed this service listens to, also the young facts, and make waiting attempts due."""
    settings = Settings.read(catch_up_age_seconds=0)
    database = Database(service, settings)
    inbox = inbox_of(service, database)
    walker = Walker(database, inbox, settings)
    looked_at = sum(walker.walk(source) for source in walker.sources)
    with database.transaction() as session:
        session.execute(update(Attempt).values(due_at=app_now()))
    return looked_at


def export_contracts() -> int:
    """Write every contract's JSON Schema. A test holds that they only grow."""
    DOCS.mkdir(parents=True, exist_ok=True)
    for (type_, version), contract in catalogue().items():
        text = json.dumps(
            contract.model_json_schema(mode="serialization"), ensure_ascii=False, indent=2, sort_keys=True
        )
        (DOCS / f"{contract.source}.{type_}.v{version}.json").write_text(text + "\n")
    return len(catalogue())


def head_of_ledger() -> str | None:
    """The newest head of the journal's chain as NUMBER:HASH; None before the first seal."""
    sealing: Any = importlib.import_module("services.rewards.ledger.seal")
    with using(Database("rewards", Settings.read())), transaction() as session:
        head = sealing.newest_seal(session)
        return head and f"{head.number}:{head.hash.hex()}"


def audit_ledger(kept: str | None, tell: Callable[[str], None]) -> Any:
    """Check the whole journal page by page, each in a transaction of its own; the first finding, or None.

    `kept` is a head, NUMBER:HASH, that must be in the chain.
    """
    audit: Any = importlib.import_module("services.rewards.ledger.audit")
    books: Any = importlib.import_module("services.rewards.ledger.balances")
    try:
        head = audit.read_head(kept) if kept else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--head") from None
    with using(Database("rewards", Settings.read())):
        for count, page in enumerate(_pages(partial(audit.check_chain, head=head), 1), 1):
            tell(f"page {count}: transfers up to seal {page.checked_to}")
            if page.finding is not None:
                return page.finding
        for count, page in enumerate(_pages(books.check_accounts, None), 1):
            tell(f"page {count}: {page.accounts} accounts")
            if page.finding is not None:
                return page.finding
        with transaction() as session:
            return books.check_books(session)


def _pages(check: Callable[[Session, Any], Any], start: Any) -> Iterator[Any]:
    while True:
        with transaction() as session:
            page = check(session, start)
        yield page
        start = page.next
        if start is None:
            return


def call_verb(service: str, module: str, verb: str, **arguments: Any) -> Any:
    """Run one verb of a service in a transaction, as the operator."""
    function = getattr(importlib.import_module(f"services.{service}.{module}"), verb)
    with using(Database(service, Settings.read())), transaction() as session:
        return function(session, **arguments)


def settle_month(month: str, venue_id: UUID | None) -> Iterator[tuple[str, bool]]:
    """Close a month of each venue that has something to settle, each by itself: a line, and whether it was closed."""
    verbs = importlib.import_module("services.rewards.settlement.closing")
    with using(Database("rewards", Settings.read())):
        try:
            wanted = importlib.import_module("services.rewards.settlement.months").Month.parse(month)
        except Problem as problem:
            raise click.ClickException(problem.detail) from None
        with transaction() as session:
            venues = verbs.venues_to_settle(session, wanted, venue_id)
        for id_, name in venues:
            try:
                with transaction() as session:
                    done = verbs.close_month(session, id_, wanted, "operator")
                owed = done.fen + done.disputes_fen
                yield f"{id_}  {name}: {done.redemptions} redemptions, {owed / 100:,.2f} CNY", True
            except Problem as problem:
                yield f"{id_}  {name}: refused. {problem.title()} {problem.detail}", False
