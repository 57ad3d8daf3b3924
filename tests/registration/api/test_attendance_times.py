"""A check-in or check-out at a time that cannot be was mistyped: it is refused."""

import pytest

from tests.registration.api.test_put_check_out import Shift

A_DAY = 24 * 60


@pytest.mark.parametrize(
    "minutes",
    [-A_DAY - 1, 2 * 60 + 60 + 10, 2 * A_DAY],
    ids=["a day before", "not come yet", "days after"],
)
def test_a_mistyped_time_is_refused(world, minutes):
    shift = Shift(world)
    response = shift.call("check-in", minutes)
    assert response.status_code == 422
    assert response.json["errors"][0]["pointer"] == "/at"
    assert not world.events("attendance.checked_in")
    assert shift.call("check-in", 1).status_code == 200
    assert shift.call("check-out", minutes).status_code == 422
    assert shift.call("check-out", 119).json["credit"] == "recorded"
