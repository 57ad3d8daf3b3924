"""hours.recorded and hours.corrected: every minute counts once, in whatever order it is told."""

import itertools
from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from services.rewards.events import correct_credit, credit_and_issue
from services.rewards.ledger import balances, journal, statements
from shared.contracts.registration import (
    Bucket,
    HoursRecorded,
    Origin,
    VolunteerErased,
    VolunteerLeft,
    VolunteerMerged,
    VolunteerRegistered,
    VolunteerSuspended,
)
from shared.core.ids import new_id
from tests.support.at_once import at_once
from tests.support.bank import Bank, Venue


def test_two_hours_become_a_film(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 130), times=2)
    assert bank.account(bank.fang) | {} == {
        "volunteer_id": str(bank.fang),
        "points_available": 10,
        "points_held": 0,
        "minutes_credited": 130,
        "shortfall": 0,
        "standing_choice": "issue",
        "preferred_product_id": None,
        "status": "open",
        "merged_into": None,
        "lapsing": [],
        "waiting": [],
        "at": None,
    }
    (voucher,) = bank.vouchers(bank.fang)
    (event,) = bank.rewards.published("voucher.issued")
    assert event["subject"] == voucher["id"]
    assert event["data"]["points"] == 120
    assert "code" not in event["data"]
    bank.assert_sound()


@pytest.mark.parametrize("more", [{"bucket": Bucket.SUPPLEMENTED}, {"origin": Origin.IMPORT}])
def test_only_verified_minutes_that_were_not_imported_earn(
    bank: Bank, star: Venue, more: dict[str, str]
) -> None:
    bank.receive(bank.hours(bank.fang, 130, **more))
    assert bank.account(bank.fang)["minutes_credited"] == 0
    assert bank.count("transfers") == 0
    assert not bank.rewards.published()


def test_a_record_earns_once_although_another_event_says_it_again(bank: Bank, star: Venue) -> None:
    record = bank.hours(bank.fang, 50)
    bank.receive(record)
    bank.receive(record, record)
    assert bank.points(bank.fang) == 50


def test_two_buses_with_the_same_record_credit_it_once(bank: Bank, star: Venue) -> None:
    batch = [bank.hours(volunteer, 60) for volunteer in (bank.fang, bank.qiang) * 20]

    def handle(backwards: bool) -> None:
        with bank.rewards.session() as session:
            credit_and_issue(session, batch[::-1] if backwards else batch)

    at_once([lambda n=n: handle(bool(n % 2)) for n in range(6)])  # type: ignore[misc]
    assert bank.account(bank.fang)["minutes_credited"] == 1200
    assert len(bank.vouchers(bank.fang)) == 10
    bank.assert_sound()


def test_several_vouchers_of_several_products_at_once(bank: Bank, star: Venue) -> None:
    bank.issue(bank.product(star.id, points=30, title="爆米花"))
    bank.receive(bank.hours(bank.fang, 200), bank.hours(bank.fang, 100))
    assert sorted(v["points"] for v in bank.vouchers(bank.fang)) == [30, 30, 120, 120]
    assert bank.points(bank.fang) == 0
    bank.assert_sound()


def test_who_saves_keeps_the_points_until_they_choose_otherwise(bank: Bank, star: Venue) -> None:
    path = f"/v1/accounts/{bank.fang}/standing-choice"
    bank.ask("PUT", path, {"choice": "save"}, as_=bank.of(bank.fang))
    bank.receive(bank.hours(bank.fang, 130))
    assert bank.points(bank.fang) == 130
    assert (
        bank.ask("PUT", path, {"choice": "issue"}, as_=bank.of(bank.fang))["points_available"] == 10
    )
    bank.ask("PUT", path, {"choice": "issue"}, as_=bank.of(bank.fang))
    assert len(bank.vouchers(bank.fang)) == 1
    bank.ask("PUT", path, {"choice": "save"}, as_=bank.of(bank.qiang), status=404)


def test_corrections_and_their_record_commute(bank: Bank, star: Venue) -> None:
    for order in itertools.permutations(range(3)):
        volunteer = new_id()
        record = bank.hours(volunteer, 60)
        events = [record, bank.correction(record, 60, 100), bank.correction(record, 100, 30)]
        for number in order:
            bank.receive(events[number], times=2)
        account = bank.account(volunteer)
        assert (account["points_available"], account["minutes_credited"], account["shortfall"]) == (
            30,
            30,
            0,
        ), order
    bank.assert_sound()


def test_the_same_correction_said_by_another_event_counts_once(bank: Bank, star: Venue) -> None:
    record = bank.hours(bank.fang, 60)
    correction = bank.correction(record, 60, 90)
    bank.receive(record, correction)
    bank.receive(correction, correction)
    assert bank.points(bank.fang) == 90


def test_a_correction_keeps_the_rule_its_record_was_credited_by(bank: Bank, star: Venue) -> None:
    record = bank.hours(bank.fang, 60)
    bank.receive(record)
    bank.by_staff("POST", "/v1/rules", {"kind": "earn", "minutes": 1, "points": 5}, 201)
    bank.receive(bank.correction(record, 60, 70))
    assert bank.points(bank.fang) == 70


def test_a_loss_voids_the_newest_unused_voucher_and_keeps_the_rest(bank: Bank, star: Venue) -> None:
    first, second = bank.hours(bank.fang, 120), bank.hours(bank.fang, 120)
    bank.receive(first)
    bank.receive(second)
    newest, _ = bank.vouchers(bank.fang)
    bank.receive(bank.correction(second, 120, 100), times=2)
    assert [v["status"] for v in bank.vouchers(bank.fang)] == ["voided", "issued"]
    assert bank.vouchers(bank.fang)[0]["id"] == newest["id"]
    assert bank.points(bank.fang) == 100
    (event,) = bank.rewards.published("voucher.voided")
    assert (event["subject"], event["data"]["cause"]) == (newest["id"], "correction")
    bank.assert_sound()


def test_a_used_voucher_leaves_a_shortfall_that_the_next_minutes_pay(
    bank: Bank, star: Venue
) -> None:
    record = bank.hours(bank.fang, 130)
    bank.receive(record)
    assert star.redeem(bank.code(bank.fang), "POS-1") == "redeemed"
    bank.receive(bank.correction(record, 130, 0))
    account = bank.account(bank.fang)
    assert (account["points_available"], account["shortfall"], account["minutes_credited"]) == (
        0,
        120,
        0,
    )
    assert bank.vouchers(bank.fang)[0]["status"] == "redeemed"
    bank.assert_sound()
    bank.receive(bank.hours(bank.fang, 100))
    bank.receive(bank.hours(bank.fang, 50), bank.hours(bank.fang, 5))
    account = bank.account(bank.fang)
    assert (account["points_available"], account["shortfall"], account["minutes_credited"]) == (
        35,
        0,
        155,
    )
    bank.assert_sound()


def test_a_held_voucher_is_never_voided(bank: Bank, star: Venue) -> None:
    record = bank.hours(bank.fang, 120)
    bank.receive(record)
    star.counter("hold", {"code": bank.code(bank.fang)})
    bank.receive(bank.correction(record, 120, 0))
    assert bank.vouchers(bank.fang)[0]["status"] == "held"
    assert bank.account(bank.fang)["shortfall"] == 120
    bank.assert_sound()


def test_hours_before_registered(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 30))
    bank.receive(VolunteerRegistered(volunteer_id=bank.fang, number="V1"), times=2)
    assert bank.points(bank.fang) == 30


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_merge_moves_what_came_and_what_comes(
    bank: Bank, star: Venue, order: tuple[int, ...]
) -> None:
    middle = new_id()
    events = [
        bank.hours(bank.qiang, 70),
        bank.hours(bank.fang, 60),
        VolunteerMerged(volunteer_id=bank.qiang, into_id=middle),
        VolunteerMerged(volunteer_id=middle, into_id=bank.fang),
    ]
    for number in order:
        bank.receive(events[number], times=2)
    account = bank.account(bank.fang)
    assert (account["points_available"], account["minutes_credited"]) == (10, 130)
    assert len(bank.vouchers(bank.fang)) == 1
    for gone in (bank.qiang, middle):
        assert bank.account(gone)["merged_into"] == str(bank.fang)
        assert bank.account(gone)["minutes_credited"] == 0
    bank.assert_sound()


def test_a_merge_takes_vouchers_along(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.qiang, 120))
    bank.receive(VolunteerMerged(volunteer_id=bank.qiang, into_id=bank.fang))
    assert star.redeem(bank.code(bank.fang), "POS-1") == "redeemed"
    assert not bank.vouchers(bank.qiang)


@pytest.mark.parametrize("event", [VolunteerErased, VolunteerLeft])
@pytest.mark.parametrize("first", [True, False])
def test_who_is_gone_keeps_minutes_and_nothing_else(
    bank: Bank, star: Venue, event: type, first: bool
) -> None:
    gone, hours = event(volunteer_id=bank.fang), bank.hours(bank.fang, 130)
    for one in (gone, hours) if first else (hours, gone):
        bank.receive(one, times=2)
    account = bank.account(bank.fang)
    assert account["status"] == ("erased" if event is VolunteerErased else "closed")
    assert (account["points_available"], account["minutes_credited"]) == (0, 130)
    assert not bank.vouchers(bank.fang, "issued")
    bank.assert_sound()


def test_an_older_word_on_suspension_changes_nothing(bank: Bank) -> None:
    from shared.contracts.registration import VolunteerActivated

    bank.receive(
        VolunteerActivated(volunteer_id=bank.fang), VolunteerSuspended(volunteer_id=bank.fang)
    )
    assert bank.rows("SELECT suspended FROM accounts") == [(True,)]


@pytest.mark.check("M4")
def test_the_application_cannot_change_the_journal(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 30))
    for statement in (
        "UPDATE transfers SET amount = 1000",
        "DELETE FROM transfers",
        "TRUNCATE transfers",
    ):
        with pytest.raises(ProgrammingError), bank.rewards.session() as session:
            session.execute(text(statement))


@pytest.mark.check("M5")
def test_balances_are_what_the_journal_says(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 130))
    with bank.rewards.session() as session:
        assert statements.balance_of(session, journal.volunteer(bank.fang)) == 10
        books = {book.book: book.balance for book in balances.trial_balance(session)}
    assert books[journal.OUTSIDE] == -130


def test_points_that_a_loss_brings_back_pay_the_debt_first(bank: Bank, star: Venue) -> None:
    """A voucher that was held when hours were taken back is free again when more of them are."""
    record = bank.hours(bank.fang, 120)
    bank.receive(record)
    hold = star.counter("hold", {"code": bank.code(bank.fang)})["hold_id"]
    bank.receive(bank.correction(record, 120, 70))
    assert bank.account(bank.fang)["shortfall"] == 50
    bank.ask("DELETE", f"/v1/holds/{hold}", status=204, headers={"Api-Key": star.key})
    bank.receive(bank.correction(record, 70, 65))
    account = bank.account(bank.fang)
    assert (account["points_available"], account["shortfall"]) == (65, 0)
    bank.assert_sound()


def test_a_voucher_past_its_last_day_is_the_clocks_alone(bank: Bank, star: Venue) -> None:
    """Between its last day and the sweep it must not become points again."""
    record = bank.hours(bank.fang, 120)
    bank.receive(record)
    (voucher,) = bank.vouchers(bank.fang)
    bank.rows("UPDATE vouchers SET expires_at = app_now() - interval '1 second' RETURNING 1")
    bank.by_staff("PUT", f"/v1/vouchers/{voucher['id']}/voidance", {"reason": "lost"}, 409)
    bank.receive(bank.correction(record, 120, 100))
    account = bank.account(bank.fang)
    assert (account["points_available"], account["shortfall"]) == (0, 20)
    bank.assert_sound()


def test_two_batches_that_correct_the_same_people_never_deadlock(bank: Bank, star: Venue) -> None:
    """Records of two people alternate, so that each batch comes to the two in its own order."""
    first = [bank.hours(who, 100) for who in (bank.fang, bank.qiang) * 15]
    second = [bank.hours(who, 100) for who in (bank.qiang, bank.fang) * 15]
    bank.receive(*first, *second)

    def correct(records: list[HoursRecorded]) -> None:
        with bank.rewards.session() as session:
            correct_credit(session, [bank.correction(record, 100, 90) for record in records])

    at_once([partial(correct, first), partial(correct, second)])
    assert bank.account(bank.fang)["minutes_credited"] == 30 * 90
    assert bank.account(bank.qiang)["minutes_credited"] == 30 * 90
    bank.assert_sound()


def test_a_duplicates_corrections_and_hours_never_deadlock(bank: Bank, star: Venue) -> None:
    """Hours lock the duplicate's row, then the account that stays; corrections lock the latter."""
    records = [bank.hours(bank.fang, 100) for _ in range(20)]
    bank.receive(*records)
    bank.receive(VolunteerMerged(volunteer_id=bank.fang, into_id=bank.qiang))

    def correct(part: list[HoursRecorded]) -> None:
        for record in part:
            with bank.rewards.session() as session:
                correct_credit(session, [bank.correction(record, 100, 110)])

    def credit(late: list[HoursRecorded]) -> None:
        for record in late:
            with bank.rewards.session() as session:
                credit_and_issue(session, [record])

    late = [bank.hours(bank.fang, 100) for _ in range(20)]
    at_once([partial(correct, records[:10]), partial(correct, records[10:]), partial(credit, late)])
    assert bank.account(bank.qiang)["minutes_credited"] == 20 * 110 + 20 * 100
    bank.assert_sound()
