"""The audit across services: planted differences are found, and nothing else is."""

import os
import time
from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import text

from devkit.testkit import District
from shared import SERVICES
from shared.core.ids import new_id
from tests.support.many_records import ManyRecords, id_of, owner

MANY = int(os.environ.get("WISHTREE_AUDIT_RECORDS", "100000"))


class Found(NamedTuple):
    service: str
    kind: str
    id: UUID


def found_by_audits(district: District) -> list[Found]:
    return sorted(
        Found(service, one.kind, one.id)
        for service in SERVICES
        for one in district.audit(service).differences
    )


class Planter:
    """Breaks what events have made, one kind of difference after the other."""

    def __init__(self, many: ManyRecords) -> None:
        self.many, self.planted = many, list[Found]()
        self.numbers = iter(range(7, many.count, 4))

    def plant_all(self) -> list[Found]:
        for plant in (
            self.credits,
            self.corrections,
            self.accounts,
            self.events,
            self.alerts,
            self.vouchers,
            self.settlements,
            self.pool,
            self.wishes,
            self.people,
        ):
            plant()
        return sorted(self.planted)

    def note(self, service: str, kind: str, id_: UUID) -> None:
        self.planted.append(Found(service, kind, id_))

    def run(self, *statements: str, **parameters: object) -> None:
        with owner(self.many.district) as connection:
            for statement in statements:
                connection.execute(text(statement), parameters)

    def record(self) -> tuple[UUID, UUID]:
        """The next record, and its event."""
        number = next(self.numbers)
        return id_of("record", number), id_of("event", number)

    def lose_credit(self, record: UUID) -> None:
        self.run(
            "DELETE FROM rewards.transfers WHERE cause_id = :id",
            "DELETE FROM rewards.credited_records WHERE record_id = :id",
            id=record,
        )

    def credits(self) -> None:
        missing, minutes, volunteer = (self.record()[0] for _ in range(3))
        self.lose_credit(missing)
        self.note("rewards", "credit_missing", missing)
        update = "UPDATE rewards.credited_records SET"
        self.run(f"{update} minutes = 61 WHERE record_id = :id", id=minutes)
        self.note("rewards", "credit_minutes", minutes)
        somebody = id_of("volunteer", 1)
        self.run(f"{update} volunteer_id = :v WHERE record_id = :id", id=volunteer, v=somebody)
        self.note("rewards", "credit_volunteer", volunteer)
        phantom = new_id()
        self.run(
            "INSERT INTO rewards.credited_records (record_id, volunteer_id, recorded, minutes,"
            " rule_minutes, rule_points, worked_on) VALUES (:id, :v, true, 30, 1, 1, '2026-07-15')",
            id=phantom,
            v=somebody,
        )
        self.note("rewards", "credit_without_record", phantom)
        only_in_journal = new_id()
        self.run(
            "INSERT INTO rewards.transfers (id, debit_account, credit_account, amount, kind,"
            " cause_id, actor) VALUES (:t, 'outside', 'volunteer:x', 30, 'earned', :id, 'nobody')",
            t=new_id(),
            id=only_in_journal,
        )
        self.note("rewards", "transfer_without_credit", only_in_journal)

    def corrections(self) -> None:
        record, new = self.record()[0], new_id()
        self.run(
            "UPDATE registration.service_records SET status = 'superseded' WHERE id = :id",
            "INSERT INTO registration.service_records (id, volunteer_id, organisation_id,"
            " started_at, ended_at, minutes, category, origin, bucket, status, recorded_by,"
            " root_id) SELECT :new, volunteer_id, organisation_id, started_at, ended_at, 30,"
            " category, origin, bucket, 'recorded', 'staff', id FROM registration.service_records"
            " WHERE id = :id",
            "INSERT INTO registration.corrections (id, record_id, new_record_id, started_at,"
            " ended_at, reason, status, asked_by, approved_by)"
            " VALUES (:new, :id, :new, now(), now(), '', 'approved', 'a', 'b')",
            id=record,
            new=new,
        )
        self.note("rewards", "correction_missing", new)
        unknown = new_id()
        self.run(
            "INSERT INTO rewards.corrections (correction_id, record_id, minutes)"
            " VALUES (:id, :record, -5)",
            id=unknown,
            record=record,
        )
        self.note("rewards", "correction_unknown", unknown)

    def accounts(self) -> None:
        closed, missing = id_of("volunteer", 2), id_of("volunteer", 6)
        self.run("UPDATE rewards.accounts SET status = 'closed' WHERE volunteer_id = :v", v=closed)
        self.note("rewards", "account_state", closed)
        self.run("DELETE FROM rewards.accounts WHERE volunteer_id = :v", v=missing)
        self.note("rewards", "account_missing", missing)

    def events(self) -> None:
        record, event = self.record()
        self.lose_credit(record)
        self.run("DELETE FROM rewards.inbox WHERE event_id = :id", id=event)
        self.note("rewards", "event_missing", event)
        _, dead = self.record()
        self.run(
            "DELETE FROM notify.inbox WHERE event_id = :id",
            "DELETE FROM notify.alerts WHERE event_id = :id",
            "INSERT INTO notify.dead_letters (id, event_id, body, reason, attempts)"
            " VALUES (:id, :id, '', 'failed', 5)",
            id=dead,
        )
        self.note("notify", "event_given_up", dead)

    def alerts(self) -> None:
        _, event = self.record()
        self.run("DELETE FROM notify.alerts WHERE event_id = :id", id=event)
        self.note("notify", "alert_missing", event)
        phantom = new_id()
        self.run(
            "INSERT INTO notify.alerts (id, person_id, topic, event_id, template, params)"
            " VALUES (:id, :id, 'hours', :id, 'hours_recorded', '{}')",
            id=phantom,
        )
        self.note("notify", "alert_without_event", phantom)

    def vouchers(self) -> None:
        used, unused = id_of("voucher", 4), id_of("voucher", 5)
        status = "UPDATE rewards.vouchers SET status = :status WHERE id = :id"
        self.run(status, id=used, status="redeemed")
        self.note("rewards", "voucher_without_redemption", used)
        self.run(status, id=unused, status="issued")
        self.note("rewards", "redemption_of_unused", id_of("redemption", 5))
        self.run("DELETE FROM rewards.transfers WHERE cause_id = :id", id=id_of("redemption", 9))
        self.note("rewards", "redemption_not_in_journal", id_of("redemption", 9))

    def settlements(self) -> None:
        self.run(
            "UPDATE rewards.settlements SET fen = fen + 1 WHERE id = :id", id=self.many.settlement
        )
        self.note("rewards", "settlement_sum", self.many.settlement)
        redemption = id_of("redemption", 6)
        self.run("UPDATE rewards.redemptions SET settled_at = NULL WHERE id = :id", id=redemption)
        self.note("rewards", "settlement_line", redemption)

    def pool(self) -> None:
        missing, closed, voucher = (id_of("wish", n) for n in (1, 2, 3))
        self.run("DELETE FROM rewards.pool_wishes WHERE wish_id = :id", id=missing)
        self.note("rewards", "pool_wish_missing", missing)
        update = "UPDATE rewards.pool_wishes SET"
        self.run(f"{update} status = 'closed' WHERE wish_id = :id", id=closed)
        self.note("rewards", "pool_wish_state", closed)
        self.run(f"{update} voucher_id = :id WHERE wish_id = :id", id=voucher)
        self.note("rewards", "pool_wish_voucher", voucher)

    def wishes(self) -> None:
        granted, somebody = id_of("wish", 4), id_of("volunteer", 3)
        self.run(
            "UPDATE wishes.wishes SET status = 'confirmed', claimer_id = :v,"
            " claimer_kind = 'volunteer', proposed_minutes = 45 WHERE id = :id",
            "UPDATE rewards.pool_wishes SET status = 'closed' WHERE wish_id = :id",
            id=granted,
            v=somebody,
        )
        self.note("registration", "proposal_missing", granted)
        self.run("UPDATE wishes.known_organisations SET name = 'other'")
        self.note("wishes", "organisation_differs", self.many.station)
        self.run(
            "INSERT INTO wishes.claimer_loads (claimer_id, claimer_kind, active, claim_limit,"
            " standing, standing_sequence) VALUES (:v, 'volunteer', 0, 3, 'suspended', 1)",
            v=somebody,
        )
        self.note("wishes", "claimer_standing", somebody)

    def people(self) -> None:
        erased = id_of("volunteer", 4)
        self.run(
            "UPDATE registration.volunteers SET status = 'erased' WHERE id = :v",
            "UPDATE rewards.accounts SET status = 'erased' WHERE volunteer_id = :v",
            "INSERT INTO wishes.claimer_loads (claimer_id, claimer_kind, active, claim_limit,"
            " standing, standing_sequence) VALUES (:v, 'volunteer', 0, 3, 'gone', 1)",
            v=erased,
        )
        self.note("notify", "erasure_missing", erased)


def check_planted(district: District, count: int) -> float:
    """Load so many records, plant every kind; returns how long the four audits took, in seconds."""
    many = ManyRecords(district, count)
    assert found_by_audits(district) == []
    planted = Planter(many).plant_all()
    started = time.perf_counter()
    assert found_by_audits(district) == planted
    assert len({one.kind for one in planted}) >= 20
    return time.perf_counter() - started


def test_planted_differences_are_all_found_and_none_else(district: District) -> None:
    check_planted(district, 300)


@pytest.fixture
def emptied_afterwards(district: District) -> Iterator[District]:
    """So that the next test does not begin with truncating much."""
    yield district
    district.clear()


@pytest.mark.faults
def test_they_are_found_among_100_000_records_within_a_minute(
    emptied_afterwards: District,
) -> None:
    seconds = check_planted(emptied_afterwards, MANY)
    assert seconds < 60, f"{MANY:,} records were audited in {seconds:.1f} s"
