"""A few hundred hostile messages against the inbox of each service. 5,000 are in `tests/faults`."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from devkit.testkit import District
from shared import SERVICES
from shared.messaging.attempts import Attempt, DeadLetter
from shared.messaging.inbox import Delivery, InboxRow
from tests.support.poison import good_message, poison

COUNT, SEED = 200, 8


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
            settled = _count(session, InboxRow) + _count(session, DeadLetter)
        # The same id may come twice.
        assert 0.9 * len(mine) <= settled - 1 <= len(mine)


def _count(session: Session, model: type) -> int:
    return session.scalars(select(func.count()).select_from(model)).one()
