"""What an API accepts can be published: it refuses with 422 what no event could report."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.registration.api.activities import SessionRequest
from services.registration.api.records import CorrectionRequest, RecordRequest
from services.registration.attendance import presence
from shared.contracts.bounds import FIRST_YEAR, LONGEST_MINUTES, YEARS_AHEAD
from shared.core.ids import new_id

NOW = datetime(2026, 11, 27, 8, tzinfo=UTC)
DAY = timedelta(days=1)
LAST_YEAR = datetime.now(UTC).year + YEARS_AHEAD

OUTSIDE = [
    (NOW, NOW + DAY + timedelta(seconds=1)),
    (NOW.replace(year=FIRST_YEAR - 1), NOW.replace(year=FIRST_YEAR - 1) + DAY),
    (NOW.replace(year=LAST_YEAR + 1), NOW.replace(year=LAST_YEAR + 1) + DAY),
]
INSIDE = [
    (NOW, NOW + DAY),
    (NOW.replace(year=FIRST_YEAR), NOW.replace(year=FIRST_YEAR) + DAY),
    (NOW.replace(year=LAST_YEAR), NOW.replace(year=LAST_YEAR) + DAY),
]


def read(model: Any, begin: datetime, end: datetime) -> Any:
    names = ("starts_at", "ends_at") if model is SessionRequest else ("started_at", "ended_at")
    times = dict(zip(names, (begin.isoformat(), end.isoformat()), strict=True))
    return model.model_validate(OTHER_FIELDS[model] | times)


OTHER_FIELDS: dict[Any, dict[str, Any]] = {
    RecordRequest: {
        "volunteer_id": str(new_id()),
        "organisation_id": str(new_id()),
        "category": "patrol",
        "reference": "1",
    },
    CorrectionRequest: {"reason": "mistyped"},
    SessionRequest: {"capacity": 1, "place": "here"},
}


@pytest.mark.parametrize("model", OTHER_FIELDS)
@pytest.mark.parametrize(("begin", "end"), OUTSIDE)
def test_times_that_no_event_carries_are_refused(
    model: Any, begin: datetime, end: datetime
) -> None:
    with pytest.raises(ValueError, match=r"24 hours|year must lie"):
        read(model, begin, end)


@pytest.mark.parametrize("model", OTHER_FIELDS)
@pytest.mark.parametrize(("begin", "end"), INSIDE)
def test_times_at_the_bounds_are_taken(model: Any, begin: datetime, end: datetime) -> None:
    read(model, begin, end)


def test_a_presence_counts_a_day_at_most() -> None:
    """Also in a session of three days, from before sessions ended after one."""
    counted = presence(NOW, NOW + 3 * DAY, NOW, NOW + 3 * DAY)
    assert counted.minutes == LONGEST_MINUTES
    assert not counted.inside
