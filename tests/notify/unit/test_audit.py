"""What the audit of alerts makes of events that it cannot read."""

from datetime import UTC, datetime

import pytest

from services.notify.audit import compare_alerts
from shared.contracts.evidence import EventEvidence
from shared.core.ids import new_id


@pytest.mark.parametrize(
    ("type_", "version", "data"),
    [("hours.recorded", 77, "{}"), ("hours.recorded", 1, '{"minutes": 100000}')],
)
def test_an_event_that_cannot_be_read_is_left_to_the_check_of_arrivals(
    type_: str, version: int, data: str
) -> None:
    """Its inbox made a dead letter of it, which is named as that; the audit goes on."""
    event = EventEvidence(
        id=new_id(),
        type=type_,
        subject=str(new_id()),
        time=datetime.now(UTC),
        version=version,
        sequence=1,
        traceparent=None,
        data=data,
    )
    assert compare_alerts(event, None) is None
