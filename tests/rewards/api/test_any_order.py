"""Whatever happens in whatever order, the books balance: a Hypothesis state machine over ledger and
vouchers.
"""

from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from devkit.testkit import District
from services.rewards.vouchers.lifecycle import expire_vouchers
from shared.contracts.registration import HoursRecorded
from shared.core.ids import new_id
from tests.support.bank import Bank, Venue

VOLUNTEERS = st.integers(0, 2)


def machine(district: District) -> type[RuleBasedStateMachine]:
    class Books(RuleBasedStateMachine):
        @initialize()
        def open(self) -> None:
            district.clear()
            self.bank = Bank(district)
            self.star = Venue(self.bank)
            self.bank.minute_is_a_point()
            self.product = self.bank.product(self.star.id, points=60, stock=3)
            self.bank.issue(self.product)
            self.people: list[UUID] = [new_id() for _ in range(3)]
            self.records: dict[UUID, tuple[HoursRecorded, int]] = {}
            self.minutes = dict.fromkeys(self.people, 0)
            self.references = 0

        @rule(who=VOLUNTEERS, minutes=st.integers(1, 200), times=st.integers(1, 2))
        def work(self, who: int, minutes: int, times: int) -> None:
            record = self.bank.hours(self.people[who], minutes)
            self.bank.receive(record, times=times)
            self.records[record.record_id] = (record, minutes)
            self.minutes[self.people[who]] += minutes

        @rule(data=st.data(), minutes=st.integers(0, 200))
        def correct(self, data: st.DataObject, minutes: int) -> None:
            if self.records:
                record, old = data.draw(st.sampled_from(list(self.records.values())))
                self.bank.receive(self.bank.correction(record, old, minutes), times=2)
                self.records[record.record_id] = (record, minutes)
                self.minutes[record.volunteer_id] += minutes - old

        @rule(who=VOLUNTEERS)
        def redeem(self, who: int) -> None:
            free = self.bank.vouchers(self.people[who], "issued")
            if free:
                number = self.bank.vouchers(self.people[who]).index(free[0])
                self.references += 1
                code = self.bank.code(self.people[who], number)
                assert self.star.redeem(code, f"P-{self.references}") == "redeemed"
                assert self.star.redeem(code, f"Q-{self.references}") == "already_redeemed"

        @rule(who=VOLUNTEERS)
        def void(self, who: int) -> None:
            for voucher in self.bank.vouchers(self.people[who], "issued")[:1]:
                self.bank.by_staff(
                    "PUT", f"/v1/vouchers/{voucher['id']}/voidance", {"reason": "test"}
                )

        @rule()
        def expire(self) -> None:
            with self.bank.rewards.session() as session:
                session.execute(
                    text("UPDATE vouchers SET expires_at = now() WHERE status = 'issued'")
                )
                expire_vouchers(session)

        @rule(stock=st.integers(0, 4))
        def restock(self, stock: int) -> None:
            self.bank.by_staff("PUT", f"/v1/products/{self.product}/stock", {"stock": stock})

        @invariant()
        def the_books_balance(self) -> None:
            if hasattr(self, "bank"):
                self.bank.assert_sound()
                for row in self.bank.rows("SELECT volunteer_id, minutes_credited FROM accounts"):
                    assert row[1] == self.minutes[row[0]]

    return Books


@pytest.mark.timeout(120)
def test_the_books_balance_whatever_happens(district: District) -> None:
    run_state_machine_as_test(
        machine(district),
        settings=settings(
            max_examples=30,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
