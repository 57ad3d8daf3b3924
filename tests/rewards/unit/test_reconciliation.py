"""The match of a month's journal with the venue's report, without a database."""

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import TypeVar
from uuid import uuid4

import pytest

from services.rewards.models import DisputeStatus
from services.rewards.settlement.matching import (
    BookedRedemption,
    Difference,
    DifferenceKind,
    MonthRecords,
    RelatedDispute,
    ReportedLine,
    match,
)
from services.rewards.settlement.months import Month

OCTOBER = Month(date(2026, 10, 1))
FILM_FEN = 3500
T = TypeVar("T")


def booked(reference: str, day: date = date(2026, 10, 3)) -> BookedRedemption:
    return BookedRedemption(
        redemption_id=uuid4(),
        reference=reference,
        voucher_id=uuid4(),
        channel="counter",
        day=day,
        fen=FILM_FEN,
        reversed=False,
    )


def lines(*references: str) -> list[ReportedLine]:
    return [ReportedLine(number, name) for number, name in enumerate(references, start=1)]


def differences(
    redemptions: list[BookedRedemption], reported: list[ReportedLine]
) -> list[tuple[str, str]]:
    return named(match(MonthRecords(OCTOBER, redemptions, reported)))


def named(found: Iterable[Difference]) -> list[tuple[str, str]]:
    return [(one.kind.value, one.reference) for one in found]


def test_a_report_that_agrees_has_no_differences() -> None:
    film = booked("A")
    full = ReportedLine(1, "A", film.voucher_id, film.day, FILM_FEN)
    assert differences([film], [full]) == []
    assert differences([film], lines("A")) == []
    assert differences([], []) == []


def test_a_redemption_that_the_report_lacks_is_missing_at_the_venue() -> None:
    film = booked("A")
    (found,) = match(MonthRecords(OCTOBER, [film], []))
    assert found == Difference(DifferenceKind.MISSING_AT_VENUE, "A", film)
    assert (found.voucher_id, found.resolved) == (film.voucher_id, False)


def test_a_reversed_redemption_is_missed_by_nobody_and_named_when_reported() -> None:
    film = replace(booked("A"), reversed=True)
    assert differences([film], []) == []
    assert differences([film], lines("A")) == [("reversed_here", "A")]


def test_a_line_that_was_never_booked_is_missing_here() -> None:
    voucher_id = uuid4()
    line = ReportedLine(1, "NEVER", voucher_id)
    (found,) = match(MonthRecords(OCTOBER, [], [line]))
    assert found == Difference(DifferenceKind.MISSING_HERE, "NEVER", None, line)
    assert found.voucher_id == voucher_id


@pytest.mark.parametrize(("holds_up", "resolved"), [(True, False), (False, True)])
def test_a_decided_dispute_resolves_a_missing_line(holds_up: bool, resolved: bool) -> None:
    status = DisputeStatus.OPEN if holds_up else DisputeStatus.REJECTED
    dispute = RelatedDispute(uuid4(), "already_redeemed", status, holds_up)
    records = MonthRecords(OCTOBER, [], lines("A-2"), disputes={"A-2": dispute})
    (found,) = match(records)
    assert (found.dispute, found.resolved) == (dispute, resolved)


def test_a_line_of_another_month_names_the_month_in_which_it_was_booked() -> None:
    film = booked("A", date(2026, 9, 30))
    (found,) = match(MonthRecords(OCTOBER, [], lines("A"), booked_elsewhere=[film]))
    assert (found.kind, found.month) == (DifferenceKind.OTHER_MONTH, OCTOBER.before)


def test_a_redemption_that_another_months_report_has_names_that_month() -> None:
    records = MonthRecords(OCTOBER, [booked("A")], [], reported_elsewhere={"A": OCTOBER.next})
    (found,) = match(records)
    assert (found.kind, found.month) == (DifferenceKind.OTHER_MONTH, OCTOBER.next)


def test_another_sum_and_another_day_are_two_differences_of_one_line() -> None:
    line = ReportedLine(1, "A", None, date(2026, 10, 4), FILM_FEN + 1)
    assert differences([booked("A")], [line]) == [("other_amount", "A"), ("other_day", "A")]


def test_a_line_is_doubled_by_number_by_voucher_and_where_nothing_is_booked() -> None:
    film, unknown = booked("A"), uuid4()
    by_number = lines("A", "A")
    by_voucher = [ReportedLine(1, "X", film.voucher_id), ReportedLine(2, "A", film.voucher_id)]
    never_booked = [ReportedLine(1, "N", unknown), ReportedLine(2, "M", unknown)]
    assert differences([film], by_number) == [("doubled", "A")]
    assert differences([film], by_voucher) == [("doubled", "A")]
    assert differences([], never_booked) == [("missing_here", "N"), ("doubled", "M")]


def test_a_number_with_another_voucher_is_not_that_redemption() -> None:
    line = ReportedLine(1, "A", uuid4())
    assert differences([booked("A")], [line]) == [
        ("missing_here", "A"),
        ("missing_at_venue", "A"),
    ]


def test_a_voucher_reversed_and_redeemed_again_is_matched_with_what_stands() -> None:
    standing = booked("B")
    undone = replace(booked("A"), voucher_id=standing.voucher_id, reversed=True)
    line = ReportedLine(1, "X", standing.voucher_id)
    for order in ([standing, undone], [undone, standing]):
        assert differences(order, [line]) == []


def test_differences_come_in_the_order_of_the_report_then_what_it_lacks() -> None:
    films = [booked("GONE"), booked("TWICE"), replace(booked("BACK"), reversed=True)]
    reported = lines("NEVER", "TWICE", "BACK", "TWICE")
    assert differences(films, reported) == [
        ("missing_here", "NEVER"),
        ("reversed_here", "BACK"),
        ("doubled", "TWICE"),
        ("missing_at_venue", "GONE"),
    ]


class Plan:
    """A month of 24 redemptions with three differences of each kind planted in it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.booked: list[BookedRedemption] = []
        self.elsewhere: list[BookedRedemption] = []
        self.lines: list[ReportedLine] = []
        self.planted: list[tuple[str, str]] = []
        kinds = [kind for kind in DifferenceKind if kind is not DifferenceKind.MISSING_HERE]
        for number in range(24):
            self.plant(f"S{number}", kinds[number // 3] if number // 3 < len(kinds) else None)
        for number in range(3):
            self.lines.append(ReportedLine(0, f"N{number}", uuid4() if number else None))
            self.planted.append(("missing_here", f"N{number}"))
        self.chance.shuffle(self.lines)
        self.chance.shuffle(self.booked)

    def plant(self, name: str, kind: DifferenceKind | None) -> None:
        film = booked(name, date(2026, 10, self.chance.randint(1, 28)))
        line = self.report(film)
        if kind is not None:
            self.planted.append((kind.value, name))
        if kind is DifferenceKind.MISSING_AT_VENUE:
            self.booked.append(film)
            return
        if kind is DifferenceKind.OTHER_AMOUNT:
            line = replace(line, amount_fen=self.chance.choice([0, FILM_FEN - 1, 2 * FILM_FEN]))
        elif kind is DifferenceKind.OTHER_DAY:
            line = replace(line, redeemed_on=film.day.replace(day=film.day.day % 28 + 1))
        elif kind is DifferenceKind.REVERSED_HERE:
            film = replace(film, reversed=True)
        elif kind is DifferenceKind.DOUBLED:
            again = self.chance.choice([name, f"{name}-again"])
            self.lines.append(ReportedLine(0, again, film.voucher_id))
        if kind is DifferenceKind.OTHER_MONTH:
            other = self.chance.choice([date(2026, 9, 5), date(2026, 11, 5)])
            self.elsewhere.append(replace(film, day=other))
        else:
            self.booked.append(film)
        self.lines.append(line)

    def report(self, film: BookedRedemption) -> ReportedLine:
        """State a redemption correctly, leaving some of its fields out."""
        return ReportedLine(
            number=0,
            reference=film.reference,
            voucher_id=self.sometimes(film.voucher_id),
            redeemed_on=self.sometimes(film.day),
            amount_fen=self.sometimes(film.fen),
        )

    def sometimes(self, value: T) -> T | None:
        return value if self.chance.random() > 0.3 else None


@pytest.mark.parametrize("seed", range(50))
def test_planted_differences_are_all_found_and_none_else(seed: int) -> None:
    plan = Plan(seed)
    records = MonthRecords(OCTOBER, plan.booked, plan.lines, booked_elsewhere=plan.elsewhere)
    found = [(kind, name.removesuffix("-again")) for kind, name in named(match(records))]
    assert sorted(found) == sorted(plan.planted)
