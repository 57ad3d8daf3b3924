"""Whatever a bank is asked in whatever order: nothing made, nothing lost, nothing rewritten, each
hold ended once.

Hypothesis plays earn, adjust, exchange, hold, post, void, expire, give, reverse, merge and leave
against PostgreSQL, a run in a transaction that is rolled back. `make test-full` plays 2,000 runs of
30 steps.
"""

import os
from contextlib import ExitStack
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select, text, true
from sqlalchemy.exc import IntegrityError

from devkit.testkit import District
from services.rewards.catalogue import products
from services.rewards.issuing import exchange, issue
from services.rewards.ledger import accounts, earning
from services.rewards.membership import members
from services.rewards.models import PoolRequest, StandingChoice, Voucher
from services.rewards.pool import allocation
from services.rewards.redemption import redeem
from services.rewards.redemption.redeem import Outcome
from services.rewards.rules.kinds import EarnRule, IssueRule
from services.rewards.rules.versions import create_rule
from services.rewards.venues.venues import create_venue
from services.rewards.vouchers import codes, handovers, holds, lifecycle
from shared.contracts.registration import (
    Bucket,
    HoursCorrected,
    HoursRecorded,
    Origin,
    VolunteerMerged,
)
from shared.core.ids import new_id
from shared.core.problems import Conflict, NotFound, Unprocessable
from shared.db.engine import Database, using

PHASES = (
    [Phase.generate] if os.environ.get("WISHTREE_BANK_RUNS") else list(Phase)
)  #: shrinking takes minutes
RUNS = int(os.environ.get("WISHTREE_BANK_RUNS", "40"))
PARTS = 4
PEOPLE = 4
WHO = st.integers(0, PEOPLE - 1)
ANY = st.integers(0, 10_000)  #: picks one of what there is
REFUSED = (Conflict, NotFound, Unprocessable)
DISTRICT: District | None = None


class Bank(RuleBasedStateMachine):
    """Four people, two products at one venue, little stock."""

    played = 0

    def __init__(self) -> None:
        super().__init__()
        assert DISTRICT is not None
        Bank.played += 1
        if Bank.played % 20 == 0:
            DISTRICT.clear()  # what was rolled back still fills the tables
        database: Database = DISTRICT.rewards.database
        self.stack = ExitStack()
        self.stack.enter_context(using(database))
        self.session = database.session()
        self.session.begin()
        self.seconds = 0
        self.people = [new_id() for _ in range(PEOPLE)]
        self.records: list[HoursRecorded] = []
        self.minutes: dict[UUID, int] = {}
        self.holds: list[UUID] = []
        self.sales: list[tuple[UUID, str]] = []
        self.journal: dict[UUID, str] = {}
        self.ended: dict[UUID, str] = {}

    @initialize(
        stock=st.integers(0, 12),
        minutes=st.lists(st.integers(0, 500), min_size=PEOPLE, max_size=PEOPLE),
    )
    def open(self, stock: int, minutes: list[int]) -> None:
        self.venue = create_venue(self.session, "Star cinema", "cinema").id
        self.film = products.create_product(
            self.session, self.venue, "Film", 120, stock, products.Terms(90)
        ).id
        self.swim = products.create_product(
            self.session, self.venue, "Swim", 90, stock, products.Terms(30)
        ).id
        for made in (
            EarnRule(minutes=1, points=1),
            IssueRule(product_id=self.film),
            IssueRule(product_id=self.swim, automatic=False),
        ):
            create_rule(self.session, made, by="staff")
        accounts.open_accounts(self.session, self.people)
        for who, worked in enumerate(minutes):
            if worked:
                self.earn(who, worked)

    def teardown(self) -> None:
        self.session.rollback()
        self.session.close()
        self.stack.close()

    # What people and venues do
    @rule(who=WHO, minutes=st.integers(1, 400))
    def works(self, who: int, minutes: int) -> None:
        self.earn(who, minutes)

    def earn(self, who: int, minutes: int) -> None:
        event = HoursRecorded(
            record_id=new_id(),
            volunteer_id=self.people[who],
            organisation_id=new_id(),
            minutes=minutes,
            category="tutoring",
            bucket=Bucket.VERIFIED,
            origin=Origin.ATTENDANCE,
            worked_on=date(2026, 7, 15),
        )
        for _ in range(2):  # handed over twice
            issue.issue_due(self.session, earning.credit_minutes(self.session, [event]))
        self.records.append(event)
        self.minutes[event.record_id] = minutes

    @precondition(lambda self: self.records)
    @rule(pick=ANY, minutes=st.integers(0, 400))
    def adjust(self, pick: int, minutes: int) -> None:
        event = self.records[pick % len(self.records)]
        correction = HoursCorrected(
            correction_id=new_id(),
            record_id=event.record_id,
            volunteer_id=event.volunteer_id,
            old_minutes=self.minutes[event.record_id],
            new_minutes=minutes,
            category=event.category,
            bucket=event.bucket,
            origin=event.origin,
            worked_on=event.worked_on,
        )
        unused_gifts = self.count("origin = 'gift' AND status IN ('issued', 'held')")
        for _ in range(2):
            members.apply_corrections(self.session, [correction])
        self.minutes[event.record_id] = minutes
        assert self.count("origin = 'gift' AND status IN ('issued', 'held')") >= unused_gifts

    @rule(who=WHO, film=st.booleans(), wait=st.booleans())
    def exchange(self, who: int, film: bool, wait: bool) -> None:
        self.try_to(
            exchange.exchange,
            self.people[who],
            self.film if film else self.swim,
            wait=wait,
            actor="test",
        )

    @rule(who=WHO, choice=st.sampled_from(StandingChoice))
    def choose(self, who: int, choice: StandingChoice) -> None:
        members.choose(self.session, self.people[who], choice)

    @precondition(lambda self: self.any_voucher)
    @rule(pick=ANY, seconds=st.sampled_from([1, 300]))
    def hold(self, pick: int, seconds: int) -> None:
        voucher = self.voucher(pick)
        if voucher is not None:
            answer = redeem.hold_voucher(self.session, self.venue, self.code(voucher), seconds)
            if (
                answer.outcome is Outcome.HELD
                and answer.voucher is not None
                and answer.voucher.hold_id is not None
            ):
                self.holds.append(answer.voucher.hold_id)

    @precondition(lambda self: self.any_voucher)
    @rule(pick=ANY, under=st.booleans())
    def redeem(self, pick: int, under: bool) -> None:
        hold_id = self.holds[pick % len(self.holds)] if under and self.holds else None
        voucher = self.held_under(hold_id) or self.voucher(pick)
        if voucher is None:
            return
        reference = f"sale-{new_id()}"
        answers = [
            redeem.redeem(
                self.session,
                self.venue,
                self.code(voucher),
                reference,
                channel="counter",
                hold_id=hold_id,
            ).outcome
            for _ in range(2)
        ]
        assert answers[0] is answers[1]
        if answers[0] is Outcome.REDEEMED:
            self.sales.append((voucher.id, reference))

    @precondition(lambda self: self.holds)
    @rule(pick=ANY)
    def release(self, pick: int) -> None:
        redeem.release_hold(self.session, self.venue, self.holds[pick % len(self.holds)])

    @precondition(lambda self: self.sales)
    @rule(pick=ANY)
    def reverse(self, pick: int) -> None:
        voucher_id, reference = self.sales[pick % len(self.sales)]
        code = self.code(lifecycle.get_voucher(self.session, voucher_id))
        assert redeem.reverse(self.session, self.venue, code, reference).outcome is Outcome.REVERSED

    @precondition(lambda self: self.any_voucher)
    @rule(pick=ANY, to=WHO, pooled=st.booleans())
    def give(self, pick: int, to: int, pooled: bool) -> None:
        voucher = self.voucher(pick)
        if voucher is not None and voucher.holder_id is not None:
            receiver = None if pooled else self.people[to]
            self.try_to(handovers.give, voucher.id, voucher.holder_id, receiver, actor="test")

    @rule(who=WHO)
    def need(self, who: int) -> None:
        asked = PoolRequest(
            recipient_id=self.people[who],
            holder_id=self.people[who],
            need="elderly",
            asked_by="test",
        )
        try:
            with self.session.begin_nested():
                self.session.add(asked)
        except IntegrityError:
            pass  # asked already
        allocation.allocate(self.session)

    @precondition(lambda self: self.any_voucher)
    @rule(pick=ANY)
    def void(self, pick: int) -> None:
        voucher = self.voucher(pick)
        if voucher is not None:
            self.try_to(lifecycle.void_voucher, voucher.id, "test", "staff:test")

    @rule(left=st.integers(0, 5))
    def stock_comes(self, left: int) -> None:
        products.set_stock(self.session, self.film, left)
        issue.issue_waiting(self.session, self.film)
        issue.issue_waiting(self.session, self.swim)

    @rule(seconds=st.sampled_from([2, 400, 86_400 * 20, 86_400 * 100]))
    def time_passes(self, seconds: int) -> None:
        self.seconds += seconds
        self.session.execute(text(f"SET LOCAL wishtree.clock_offset = '{self.seconds}s'"))
        holds.expire_holds(self.session)
        lifecycle.expire_vouchers(self.session)

    @rule(who=WHO, into=WHO)
    def merge(self, who: int, into: int) -> None:
        if who != into:
            event = VolunteerMerged(volunteer_id=self.people[who], into_id=self.people[into])
            members.merge_accounts(self.session, [event])

    @rule(who=WHO, erased=st.booleans())
    def leave(self, who: int, erased: bool) -> None:
        if who == PEOPLE - 1:  # one of four may go, or most runs would end with nobody
            members.close_accounts(self.session, [self.people[who]], erased=erased)

    # What must hold after each of them
    @invariant()
    def the_books_are_right(self) -> None:
        wrong = self.session.execute(_WRONG).all()
        assert not wrong, wrong

    @invariant()
    def what_is_written_stays(self) -> None:
        rows = {
            row.id: row.line
            for row in self.session.execute(text("SELECT id, t::text AS line FROM transfers t"))
        }
        assert {i: rows.get(i) for i in self.journal} == self.journal
        self.journal = rows
        ended = {
            row.pending_id: row.line
            for row in self.session.execute(
                text("SELECT pending_id, r::text AS line FROM pending_resolutions r")
            )
        }
        assert {i: ended.get(i) for i in self.ended} == self.ended
        self.ended = ended

    @invariant()
    def hours_are_what_was_recorded(self) -> None:
        credited = self.session.scalar(
            text("SELECT coalesce(sum(minutes_credited), 0) FROM accounts")
        )
        assert credited == sum(self.minutes.values())

    def try_to(self, verb: Any, *arguments: Any, **more: Any) -> None:
        """A refusal is an answer, too; it must leave nothing behind."""
        try:
            with self.session.begin_nested():
                verb(self.session, *arguments, **more)
        except REFUSED:
            pass

    @property
    def any_voucher(self) -> bool:
        return self.session.scalar(select(Voucher.id).limit(1)) is not None

    def voucher(self, pick: int) -> Voucher | None:
        """Any voucher, mostly one that can still be used."""
        usable = Voucher.status.in_(["issued", "held"]) & Voucher.holder_id.is_not(None)
        found = self.session.scalars(
            select(Voucher).where(usable if pick % 4 else true()).order_by(Voucher.id)
        ).all()
        return found[pick % len(found)] if found else None

    def held_under(self, hold_id: UUID | None) -> Voucher | None:
        if hold_id is None:
            return None
        return self.session.scalars(select(Voucher).where(Voucher.hold_id == hold_id)).one_or_none()

    def code(self, voucher: Voucher) -> str:
        return codes.code_vault().unseal(voucher.code_sealed)

    def count(self, condition: str) -> int:
        return int(
            self.session.scalar(text(f"SELECT count(*) FROM vouchers WHERE {condition}")) or 0
        )


_WRONG = text(
    """
    WITH moved AS (
        SELECT credit_account AS account, amount AS points FROM transfers
        UNION ALL SELECT debit_account, -amount FROM transfers
    ), held AS (SELECT account, sum(points) AS points FROM moved GROUP BY 1), kept AS (
        SELECT 'volunteer:' || volunteer_id AS account, points_available AS points FROM accounts
        UNION ALL SELECT 'held:' || volunteer_id, points_held FROM accounts
        UNION ALL SELECT 'owed:' || volunteer_id, -shortfall FROM accounts
        UNION ALL
        SELECT CASE WHEN holder_id IS NULL THEN 'pool:' ELSE 'product:' END || product_id,
            sum(points)
        FROM vouchers
        WHERE status IN ('issued', 'held') GROUP BY holder_id IS NULL, product_id
        UNION ALL
        SELECT 'venue:' || venue_id, sum(points) FROM vouchers
        WHERE status = 'redeemed' GROUP BY venue_id
    )
    SELECT 'account' AS what, coalesce(kept.account, held.account), kept.points, held.points
    FROM kept FULL JOIN held ON kept.account = held.account
    WHERE coalesce(kept.points, 0) <> coalesce(held.points, 0)
        AND coalesce(held.account, '') <> 'outside'
    UNION ALL SELECT 'negative stock', product_id::text, "left", NULL FROM stocks WHERE "left" < 0
    UNION ALL
    SELECT 'hold', v.id::text, count(p.id), (v.status = 'held')::int
    FROM vouchers v LEFT JOIN pending_transfers p
        ON p.cause_id = v.id
        AND NOT EXISTS (SELECT FROM pending_resolutions r WHERE r.pending_id = p.id)
    GROUP BY v.id HAVING count(p.id) <> (v.status = 'held')::int
    UNION ALL
    SELECT 'posted', r.pending_id::text, count(t.id), NULL
    FROM pending_resolutions r LEFT JOIN transfers t ON t.pending_id = r.pending_id
    GROUP BY r.pending_id, r.outcome HAVING count(t.id) <> (r.outcome = 'posted')::int
    UNION ALL
    SELECT 'given', v.id::text, count(h.id), NULL
    FROM vouchers v LEFT JOIN handovers h ON h.from_voucher_id = v.id
    GROUP BY v.id HAVING count(h.id) <> (v.status = 'given')::int
    """
)


def play(district: District, runs: int) -> None:
    global DISTRICT  # noqa: PLW0603 - Hypothesis makes the machines itself
    DISTRICT = district
    run_state_machine_as_test(
        Bank,
        settings=settings(
            max_examples=runs,
            stateful_step_count=30,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=PHASES,
        ),
    )


@pytest.mark.check("M4")
@pytest.mark.parametrize("part", range(PARTS))  # so that no test is long
def test_nothing_is_made_lost_or_rewritten(district: District, part: int) -> None:
    play(district, max(1, RUNS // PARTS))


@pytest.mark.slow
def test_nothing_is_made_lost_or_rewritten_in_2000_runs(district: District) -> None:
    play(district, 2_000)
