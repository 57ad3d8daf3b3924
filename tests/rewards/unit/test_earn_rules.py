"""Which rule counts for a piece of work."""

from datetime import UTC, date, datetime

from services.rewards.models import Rule, RuleKind
from services.rewards.rules.versions import NO_RATE, EarnRules
from shared.core.ids import new_id

WORK = date(2026, 7, 15)


def earn(
    version: int,
    points: int,
    scope: str = "",
    since: datetime | None = None,
    minutes: int = 1,
    until: datetime | None = None,
) -> Rule:
    return Rule(
        id=new_id(),
        kind=RuleKind.EARN,
        scope=scope,
        version=version,
        minutes=minutes,
        points=points,
        effective_from=since,
        effective_until=until,
    )


def coefficient(
    version: int,
    percent: int,
    scope: str = "tutoring",
    since: datetime | None = None,
    until: datetime | None = None,
) -> Rule:
    return Rule(
        id=new_id(),
        kind=RuleKind.COEFFICIENT,
        scope=scope,
        category=scope,
        version=version,
        percent=percent,
        effective_from=since,
        effective_until=until,
    )


def points(rules: list[Rule], category: str | None = "tutoring", minutes: int = 60) -> int:
    return EarnRules(rules).rate(category, WORK).of(minutes)


def test_without_a_rule_nothing_is_earned() -> None:
    assert EarnRules([]).rate("tutoring", WORK) == NO_RATE
    assert points([]) == 0


def test_the_newest_counts_never_a_sum() -> None:
    assert points([earn(1, 1), earn(2, 3)]) == 180


def test_a_category_goes_before_the_general_rule() -> None:
    rules = [earn(5, 1), earn(1, 2, "tutoring")]
    assert points(rules) == 120
    assert points(rules, "patrol") == 60


def test_a_rule_counts_from_its_day_at_the_site() -> None:
    # 16:30 UTC on the 14th is half past midnight on the 15th in Quzhou.
    assert points([earn(1, 1), earn(2, 2, since=datetime(2026, 7, 14, 16, 30, tzinfo=UTC))]) == 120
    assert points([earn(1, 1), earn(2, 2, since=datetime(2026, 7, 15, 16, 30, tzinfo=UTC))]) == 60


def test_points_are_rounded_down_per_record() -> None:
    assert points([earn(1, 1, minutes=60)], minutes=119) == 1


def test_a_rule_no_longer_counts_on_the_day_it_ends_at_the_site() -> None:
    ends_on_the_day = datetime(2026, 7, 14, 16, 30, tzinfo=UTC)
    ends_on_the_next = datetime(2026, 7, 15, 16, 30, tzinfo=UTC)
    assert points([earn(1, 1), earn(2, 2, until=ends_on_the_next)]) == 120
    # What it had replaced does not come back.
    assert points([earn(1, 1), earn(2, 2, until=ends_on_the_day)]) == 0


def test_an_ended_rule_of_a_category_leaves_the_general_one() -> None:
    ended = datetime(2026, 7, 1, tzinfo=UTC)
    assert points([earn(1, 1), earn(1, 2, "tutoring", until=ended)]) == 60
    assert points([earn(1, 1), coefficient(1, 150, until=ended)]) == 60


def test_a_coefficient_is_per_cent_of_the_general_rule_for_its_category() -> None:
    rules = [earn(1, 1), coefficient(1, 150)]
    assert points(rules) == 90
    assert points(rules, "patrol") == 60
    assert points([*rules, coefficient(2, 0)]) == 0
    assert points([coefficient(1, 150)]) == 0


def test_a_categorys_own_rule_goes_before_a_coefficient() -> None:
    assert points([earn(1, 1), coefficient(1, 300), earn(1, 2, "tutoring")]) == 120


def test_a_record_without_category_earns_by_the_general_rule() -> None:
    assert points([earn(1, 1), earn(1, 2, "tutoring"), coefficient(1, 300)], None) == 60


def test_a_coefficient_is_rounded_once_and_down() -> None:
    # 7 minutes at 1 point per 3 minutes and 150 %: 3.5, not 150 % of 2.
    assert points([earn(1, 1, minutes=3), coefficient(1, 150)], minutes=7) == 3


def test_the_version_in_force_does_not_depend_on_the_order_rules_are_read_in() -> None:
    rules = [earn(1, 1), earn(3, 3), earn(2, 2)]
    assert points(rules) == points(rules[::-1]) == 180
