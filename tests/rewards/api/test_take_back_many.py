"""However much an account has, the event that takes it back is a few statements."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from services.rewards.models import Account, Voucher
from services.rewards.vouchers import lifecycle
from shared.contracts.base import Event
from shared.contracts.registration import VolunteerErased, VolunteerLeft, VolunteerMerged
from tests.support.bank import Bank, Venue
from tests.support.statements import counted

MOST = 70
"""Statements of one event, those of the inbox included. It was five for each voucher."""


def copy_vouchers(bank: Bank, holder: UUID, count: int, origin: str = "earned") -> None:
    """Copy the holder's only voucher, with the transfers that earned and paid for it."""
    bank.rows(
        f"""
        WITH made AS (
            INSERT INTO vouchers (id, holder_id, origin, product_id, venue_id, title, points,
                code_fingerprint, code_sealed, expires_at)
            SELECT gen_random_uuid(), :holder, :origin, product_id, venue_id, title, points,
                gen_random_uuid()::text::bytea, code_sealed, expires_at
            FROM (SELECT * FROM vouchers ORDER BY id LIMIT 1) AS one, generate_series(1, {count})
            RETURNING id, product_id, points
        ), paid AS (
            INSERT INTO transfers
                (id, debit_account, credit_account, amount, kind, cause_id, actor, volunteer_id)
            SELECT gen_random_uuid(), 'volunteer:' || cast(:holder AS text),
                'product:' || product_id, points, 'issued', id, 'registration', :holder
            FROM made RETURNING amount
        )
        INSERT INTO transfers
            (id, debit_account, credit_account, amount, kind, cause_id, actor, volunteer_id)
        SELECT gen_random_uuid(), 'outside', 'volunteer:' || cast(:holder AS text), sum(amount),
            'earned', gen_random_uuid(), 'registration', :holder
        FROM paid RETURNING id
        """,
        holder=holder,
        origin=origin,
    )


def copy_backorders(bank: Bank, holder: UUID, count: int) -> None:
    """Let an account wait for many more, with points earned and held for them."""
    bank.rows(
        f"""
        WITH made AS (
            INSERT INTO backorders (id, volunteer_id, product_id, points)
            SELECT gen_random_uuid(), :holder, id, points
            FROM products, generate_series(1, {count}) RETURNING id, points
        ), held AS (
            UPDATE accounts SET points_held = points_held + (SELECT sum(points) FROM made)
            WHERE volunteer_id = :holder RETURNING volunteer_id
        )
        INSERT INTO transfers
            (id, debit_account, credit_account, amount, kind, cause_id, actor, volunteer_id)
        SELECT gen_random_uuid(), 'outside', 'held:' || cast(:holder AS text), sum(points),
            'backordered', gen_random_uuid(), 'registration', :holder
        FROM made RETURNING id
        """,
        holder=holder,
    )


def receive_in_few_statements(bank: Bank, event: Event) -> None:
    with counted(bank.rewards) as sent:
        bank.receive(event)
    assert len(sent) < MOST, "\n".join(sent)


def left(bank: Bank) -> int:
    [(stock,)] = bank.rows('SELECT "left" FROM stocks')
    return int(stock)


@pytest.mark.parametrize("event", [VolunteerLeft, VolunteerErased])
def test_3000_vouchers_and_backorders_of_a_leaver_are_taken_back_in_a_few_statements(
    bank: Bank, star: Venue, event: type[VolunteerLeft] | type[VolunteerErased]
) -> None:
    bank.receive(bank.hours(bank.fang, 130), bank.hours(bank.qiang, 120))
    copy_vouchers(bank, bank.fang, 2_999)
    copy_backorders(bank, bank.fang, 1_000)
    bank.assert_sound()
    stock = left(bank)
    receive_in_few_statements(bank, event(volunteer_id=bank.fang))
    assert bank.rows(
        "SELECT status, count(*) FROM vouchers WHERE holder_id = :fang GROUP BY 1", fang=bank.fang
    ) == [("voided", 3_000)]
    assert bank.rows("SELECT status, count(*) FROM backorders GROUP BY 1") == [("cancelled", 1_000)]
    assert left(bank) == stock + 3_000
    assert bank.rows(
        "SELECT count(*), count(data::json ->> 'holder_id') FROM outbox WHERE type LIKE '%voided'"
    ) == [(3_000, 0 if event is VolunteerErased else 3_000)]
    account = bank.account(bank.fang)
    assert (account["points_available"], account["points_held"]) == (0, 0)
    assert len(bank.vouchers(bank.qiang, "issued")) == 1
    bank.assert_sound()


def test_3000_gifts_of_a_leaver_return_to_the_pool_in_a_few_statements(
    bank: Bank, star: Venue
) -> None:
    bank.receive(bank.hours(bank.fang, 120))
    copy_vouchers(bank, bank.fang, 3_000, origin="gift")
    receive_in_few_statements(bank, VolunteerLeft(volunteer_id=bank.fang))
    assert bank.rows(
        "SELECT status, holder_id IS NULL, count(*) FROM vouchers GROUP BY 1, 2 ORDER BY 1"
    ) == [("given", False, 3_000), ("issued", True, 3_000), ("voided", False, 1)]
    assert bank.rows("SELECT kind, count(DISTINCT from_voucher_id) FROM handovers GROUP BY 1") == [
        ("return", 3_000)
    ]
    assert bank.rows("SELECT count(DISTINCT code_fingerprint) FROM vouchers") == [(6_001,)]
    bank.assert_sound()


def test_a_correction_takes_2000_vouchers_back_in_a_few_statements_and_no_more(
    bank: Bank, star: Venue
) -> None:
    record = bank.hours(bank.fang, 1_320)
    bank.receive(record)
    copy_vouchers(bank, bank.fang, 2_000)
    with bank.rewards.session() as session:  # as if a coefficient had made it 240,000 points
        session.connection().exec_driver_sql(
            "UPDATE credited_records SET rule_points = 200, points_credited = 264000"
        )
    receive_in_few_statements(bank, bank.correction(record, 1_320, 120))
    assert bank.rows("SELECT status, count(*) FROM vouchers GROUP BY 1 ORDER BY 1") == [
        ("issued", 11),
        ("voided", 2_000),
    ]
    bank.assert_sound()


def test_a_duplicate_merged_into_one_who_left_is_a_few_statements(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 120), VolunteerLeft(volunteer_id=bank.qiang))
    copy_vouchers(bank, bank.fang, 2_999)
    event = VolunteerMerged(volunteer_id=bank.fang, into_id=bank.qiang)
    receive_in_few_statements(bank, event)
    assert bank.rows("SELECT status, count(*) FROM vouchers GROUP BY 1") == [("voided", 3_000)]


def test_where_a_venue_takes_a_voucher_meanwhile_another_goes(
    bank: Bank, star: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = bank.hours(bank.fang, 360)
    bank.receive(record)
    newest = bank.vouchers(bank.fang)[0]["id"]
    code = bank.code_of(bank.fang, newest)
    look = lifecycle._unused_of
    taken: list[str] = []

    def look_and_be_overtaken(session: Session, account: Account) -> Sequence[Row[UUID, int]]:
        found = look(session, account)
        if not taken:
            assert str(found[0].id) == newest
            star.counter("hold", {"code": code})
            taken.append(code)
        return found

    monkeypatch.setattr(lifecycle, "_unused_of", look_and_be_overtaken)
    bank.receive(bank.correction(record, 360, 240))
    assert [one["status"] for one in bank.vouchers(bank.fang)] == ["held", "voided", "issued"]
    assert bank.account(bank.fang)["shortfall"] == 0
    bank.assert_sound()


def test_a_leaver_and_a_batch_at_a_counter_lock_vouchers_in_one_order(
    bank: Bank, star: Venue
) -> None:
    """Else each would wait for what the other has."""
    bank.receive(bank.hours(bank.fang, 360))
    older, newer = (row.id for row in bank.rows("SELECT id FROM vouchers ORDER BY id LIMIT 2"))
    with ThreadPoolExecutor(1) as pool, bank.rewards.session() as session:
        lock_voucher(session, older)
        leaving = pool.submit(bank.receive, VolunteerLeft(volunteer_id=bank.fang))
        wait_until_locked_out(bank)
        lock_voucher(session, newer)
        session.rollback()
        leaving.result(5)
    assert [one["status"] for one in bank.vouchers(bank.fang)] == ["voided"] * 3


def lock_voucher(session: Session, voucher_id: UUID) -> None:
    session.execute(text("SET LOCAL lock_timeout = '500ms'"))
    session.execute(select(Voucher.id).where(Voucher.id == voucher_id).with_for_update())


def wait_until_locked_out(bank: Bank) -> None:
    waiting = (
        "SELECT 1 FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(200):
        if bank.rows(waiting):
            return
        time.sleep(0.02)
    raise AssertionError("Nobody waits for a lock.")
