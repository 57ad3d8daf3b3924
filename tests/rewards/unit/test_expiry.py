"""Which points are left, and until when: the replay against a simulation that counts every single
point.
"""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.rewards.ledger.expiry import NEVER, ExpireRules, lots_left
from services.rewards.models import Rule, RuleKind
from shared.core.clock import SITE

START = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 24 * 100).map(lambda hours: START + timedelta(hours=hours))


def rule(
    version: int, days: int, since: datetime | None = None, until: datetime | None = None
) -> Rule:
    return Rule(
        kind=RuleKind.EXPIRE,
        scope="",
        version=version,
        days=days,
        effective_from=since,
        effective_until=until,
    )


RULES = st.lists(
    st.tuples(st.integers(1, 60), st.none() | MOMENTS, st.none() | MOMENTS), min_size=1, max_size=4
).map(lambda found: [rule(number, *fields) for number, fields in enumerate(found, 1)])
MOVES = st.lists(st.tuples(st.integers(-30, 30).filter(bool), MOMENTS), max_size=30)


def day_gone(rules: list[Rule], moment: datetime) -> date:
    """In other words than the code: the highest version that had begun; none if that one had
    ended.
    """
    begun = [r for r in rules if r.effective_from is None or r.effective_from <= moment]
    if not begun:
        return NEVER
    newest = max(begun, key=lambda r: r.version)
    if newest.effective_until is not None and newest.effective_until <= moment:
        return NEVER
    return (moment.astimezone(SITE) + timedelta(days=newest.days or 0)).date()


def simulate(rules: list[Rule], moves: list[tuple[int, datetime]]) -> dict[date, int]:
    """Every point by itself: (day it is gone, when it came in the list)."""
    points: list[tuple[date, int]] = []
    owed = 0
    for place, (amount, moment) in enumerate(moves):
        for _ in range(abs(amount)):
            if amount < 0 and points:
                points.remove(min(points))
            elif amount < 0:
                owed += 1
            elif owed:
                owed -= 1
            else:
                points.append((day_gone(rules, moment), place))
    return {day: sum(1 for gone, _ in points if gone == day) for day, _ in points}


@given(RULES, MOVES)
def test_what_is_left_is_what_counting_every_point_gives(
    rules: list[Rule], moves: list[tuple[int, datetime]]
) -> None:
    left: dict[date, int] = {}
    for lot in lots_left(ExpireRules(rules), moves):
        left[lot.on] = left.get(lot.on, 0) + lot.points
    assert left == simulate(rules, moves)


@given(RULES, st.lists(st.tuples(st.integers(1, 30), MOMENTS), min_size=1, max_size=20), MOMENTS)
def test_what_lapsed_once_does_not_lapse_again(
    rules: list[Rule], came: list[tuple[int, datetime]], moment: datetime
) -> None:
    found, today = ExpireRules(rules), moment.date()
    due = sum(lot.points for lot in lots_left(found, came) if lot.on <= today)
    if due:
        after = lots_left(found, [*came, (-due, moment)])
        assert not [lot for lot in after if lot.on <= today]


def test_the_day_is_that_at_the_site() -> None:
    rules = ExpireRules([rule(1, 30)])
    (lot,) = lots_left(
        rules, [(5, datetime(2026, 3, 1, 16, 30, tzinfo=UTC))]
    )  # 0:30 on the 2nd in Quzhou
    assert lot.on == date(2026, 4, 1)
