"""What of a presence counts."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.registration.attendance import presence
from services.registration.policy import MINIMUM_PERCENT, TOLERANCE

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
MINUTES = st.integers(-600, 900)


@given(st.integers(1, 480), MINUTES, MINUTES)
def test_minutes_lie_inside_the_session_and_its_tolerance(planned, came, stayed):
    end = START + timedelta(minutes=planned)
    was = presence(
        START, end, START + timedelta(minutes=came), START + timedelta(minutes=came + abs(stayed))
    )
    assert 0 <= was.minutes <= min(abs(stayed), planned + 2 * TOLERANCE / timedelta(minutes=1))
    assert was.enough == (was.minutes > 0 and was.minutes >= planned * MINIMUM_PERCENT / 100)
    if was.minutes:
        assert START - TOLERANCE <= was.from_ < was.to <= end + TOLERANCE


def test_half_a_minute_is_not_a_minute():
    was = presence(
        START, START + timedelta(hours=1), START, START + timedelta(minutes=59, seconds=59)
    )
    assert was.minutes == 59
