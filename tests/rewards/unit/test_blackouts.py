"""The next day on which a voucher can be used, without a database."""

from datetime import UTC, date, datetime, timedelta

from services.rewards.catalogue.blackouts import next_possible_day


def test_the_next_possible_day_begins_at_the_site() -> None:
    day, next_day = date(2026, 12, 25), date(2026, 12, 26)
    begins = datetime(2026, 12, 25, 16, tzinfo=UTC)  # midnight of the 26th in 衢州
    assert next_possible_day(day, [day], begins) is None
    assert next_possible_day(day, [day], begins + timedelta(seconds=1)) == next_day
    later = next_possible_day(day, [day, next_day], begins + timedelta(days=9))
    assert later == date(2026, 12, 27)
