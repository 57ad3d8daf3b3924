"""The audit across services: planted differences are found, and nothing else is."""

import os
import time
from collections.abc import Iterator
from random import Random
from typing import NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import text

from console.services import definition_of
from devkit.testkit import District
from shared import SERVICES
from shared.core.ids import new_id
from shared.db import keyset
from shared.db.engine import using
from shared.service import arrivals, audit, evidence
from shared.service.repair import hand_over_again
from tests.support.many_records import ManyRecords, id_of, owner
from tests.support.town import Town

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


@pytest.mark.check("M5")
def test_planted_differences_are_all_found_and_none_else(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (keyset, evidence, audit, arrivals):
        monkeypatch.setattr(module, "PAGE", 70)  # several pages of everything
    check_planted(district, 300)


def check_town(district: District, seed: int, steps: int) -> None:
    """Let so many things happen, events in between; no audit finds a difference."""
    town = Town(district, Random(seed))
    for _ in range(3):
        town.registers()
    for step in range(steps):
        town.step()
        if step % 60 == 30:  # not everything has arrived: that is no difference
            assert found_by_audits(district) == []
        if town.random.random() < 0.3:
            district.deliver_all(times=2, seed=seed)
    district.deliver_all()
    results = [district.audit(service) for service in SERVICES]
    assert [(one.differences, one.in_flight) for one in results] == [([], 0)] * len(SERVICES)


@pytest.mark.long(reason="plays 50 steps through four services and audits them twice")
@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_people_do_in_whatever_order_leaves_no_difference(
    district: District, seed: int
) -> None:
    check_town(district, seed, 50)


@pytest.mark.faults
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(10, 16))
def test_nor_does_a_longer_life_of_the_town(district: District, seed: int) -> None:
    check_town(district, seed, 200)


def test_what_is_on_its_way_is_no_difference_until_it_is_late(district: District) -> None:
    town = Town(district)
    town.registers()
    district.deliver_all()
    town.works()
    result = district.audit("rewards")
    assert (result.differences, result.in_flight) == ([], 1)

    let_time_pass(district)
    assert {one.kind for one in found_by_audits(district)} == {"event_missing"}

    event = next(one.id for one in found_by_audits(district) if one.service == "rewards")
    with district.rewards.session() as session:
        session.execute(
            text(
                "INSERT INTO attempts (event_id, body, attempts, due_at)"
                " VALUES (:id, '', 1, app_now())"
            ),
            {"id": event},
        )
    assert [one.service for one in found_by_audits(district)] == ["notify"]


class BusyReader:
    """Reads the evidence of a town in which somebody works while records are read."""

    def __init__(self, town: Town, *, credited_at_once: bool) -> None:
        self.town, self.credited_at_once = town, credited_at_once

    def read(self, source: str, kind: str, after: UUID, limit: int) -> bytes:
        district = self.town.district
        if kind == "records" and not self.credited_at_once:
            self.town.works()  # is on the page, and has no credit
        page = district.read(source, kind, after, limit)
        if kind == "records" and self.credited_at_once:
            self.town.works()  # is not on the page, and has a credit when credits are read
            district.deliver_all()
        return page


@pytest.mark.parametrize("credited_at_once", [False, True])
def test_what_happens_while_an_audit_reads_is_no_difference(
    district: District, credited_at_once: bool
) -> None:
    town = Town(district)
    town.registers()
    district.deliver_all()
    reader = BusyReader(town, credited_at_once=credited_at_once)
    with using(district.rewards.database):
        checks = definition_of("rewards").checks
        result = audit.audit("rewards", district.settings, reader, checks)
    assert len(town.records) == 1
    assert (result.differences, result.in_flight) == ([], 1)


def test_erased_people_need_no_alerts(district: District) -> None:
    town = Town(district)
    town.registers()
    town.works()
    [person] = town.volunteers
    district.deliver_all()
    town.ask("registration", "PUT", f"/v1/volunteers/{person}/erasure")
    district.deliver_all()
    assert found_by_audits(district) == []


def test_people_merged_over_several_steps_are_followed(district: District) -> None:
    town = Town(district)
    for _ in range(4):
        town.registers()
    town.works()
    first, second, third, last = town.volunteers
    for who, into in ((first, second), (second, third), (third, last)):
        body = {"into_id": into}
        town.ask("registration", "PUT", f"/v1/volunteers/{who}/merger", body)
    district.deliver_all(times=2, seed=3)
    assert found_by_audits(district) == []


def test_a_repair_hands_over_what_never_arrived_and_nothing_twice(district: District) -> None:
    town = Town(district)
    town.registers()
    for _ in range(3):
        town.works()
    district.deliver_all()
    alerts = alert_ids(district)
    with owner(district) as connection:
        connection.execute(text("DELETE FROM notify.inbox"))
        connection.execute(text("DELETE FROM notify.alerts"))
    let_time_pass(district)
    found = district.audit("notify").differences
    inbox = district.notify.inbox
    for _ in range(2):
        assert hand_over_again("notify", district, inbox, found) == len(found) > 3
    assert found_by_audits(district) == []
    assert len(alert_ids(district)) == len(alerts)


def alert_ids(district: District) -> list[UUID]:
    with district.notify.session() as session:
        return list(session.scalars(text("SELECT id FROM alerts")))


def let_time_pass(district: District) -> None:
    """Make every event an hour older."""
    with owner(district) as connection:
        for service in SERVICES:
            connection.execute(
                text(f"UPDATE {service}.outbox SET created_at = created_at - interval '1 hour'")
            )


@pytest.fixture
def emptied_afterwards(district: District) -> Iterator[District]:
    """So that the next test does not begin with truncating much."""
    yield district
    district.clear()


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_they_are_found_among_100_000_records_within_a_minute(
    emptied_afterwards: District,
) -> None:
    seconds = check_planted(emptied_afterwards, MANY)
    assert seconds < 60, f"{MANY:,} records were audited in {seconds:.1f} s"
