"""Which rule counts for a piece of work."""

from datetime import UTC, date, datetime

from services.rewards.models import Rule, RuleKind
from services.rewards.rules import NO_RATE, EarnRules
from shared.ids import new_id

WORK = date(2026, 7, 15)


def earn(version: int, points: int, scope: str = "", since: datetime | None = None, minutes: int = 1) -> Rule:
    return Rule(id=new_id(), kind=RuleKind.EARN, scope=scope, version=version, minutes=minutes, points=points,
                effective_from=since)  # fmt: skip


def points(rules: list[Rule], category: str = "tutoring", minutes: int = 60) -> int:
    newest_first = sorted(rules, key=lambda rule: -rule.version)
    return EarnRules(newest_first).rate(category, WORK).of(minutes)


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
