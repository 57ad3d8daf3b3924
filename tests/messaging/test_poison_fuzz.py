"""A few hundred hostile messages against the inbox of each service. 5,000 are in `tests/faults`."""

import pytest
from sqlalchemy import select

from devkit.testkit import District
from shared import SERVICES
from shared.messaging.attempts import Attempt, DeadLetter
from shared.messaging.inbox import Delivery, InboxRow
from tests.support.poison import expected_ids, good_message, poison

COUNT, SEED = 200, 8


@pytest.mark.check("R8")
def test_every_hostile_message_is_handled_or_buried(district: District) -> None:
    messages = poison(SERVICES, COUNT, SEED)
    assert len(messages) == COUNT
    for service in SERVICES:
        member = district.services[service]
        mine = [body for to, body in messages if to == service]
        event_id, good = good_message(service)
        member.receive(*(Delivery(body) for body in [*mine, good]))
        with member.session() as session:
            assert session.get(InboxRow, event_id) is not None
            errors = session.scalars(select(Attempt.error)).all()
            assert not errors
            known = [*session.scalars(select(InboxRow.event_id))]
            known += session.scalars(select(DeadLetter.event_id))
        ids = expected_ids(mine)
        assert {event_id for event_id in ids if event_id} <= set(known)
        assert ids.count(None) == known.count(None)
