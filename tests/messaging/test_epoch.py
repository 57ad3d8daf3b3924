"""The epoch: what a broker kept from before a restore is refused; what feeds and attempts bring is
not.
"""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from devkit.testkit import District, take_outbox
from shared import SERVICES
from shared.contracts.registration import VolunteerActivated
from shared.core.ids import new_id
from shared.core.metrics import EVENTS_HANDLED
from shared.db.engine import after_commit
from shared.messaging import attempts
from shared.messaging.attempts import Attempt, BegunAttempt, DeadLetter
from shared.messaging.epoch import FIRST_EPOCH, current_epoch
from shared.messaging.inbox import Delivery, Inbox, InboxRow
from shared.messaging.outbox import publish


class Receiver:
    """Rewards' inbox with a handler that counts."""

    def __init__(self, district: District) -> None:
        self.district, self.member = district, district.rewards
        self.received: list[UUID] = []
        self.failing = False
        self.inbox = Inbox(self.member.database, {VolunteerActivated: self.handle})

    def handle(self, _session: Session, events: list[VolunteerActivated]) -> None:
        if self.failing:
            raise RuntimeError("not now")
        self.received += [event.volunteer_id for event in events]

    def published(self) -> tuple[UUID, bytes]:
        """Publish an event; returns the volunteer in it, and its message."""
        event = VolunteerActivated(volunteer_id=new_id())
        with self.district.registration.session() as session:
            publish(session, event)
        ((_, _, body),) = take_outbox(self.district.registration)
        return event.volunteer_id, body

    def count(self, table: type) -> int:
        with self.member.session() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
def receiver(district: District) -> Iterator[Receiver]:
    yield Receiver(district)
    set_epoch(district, FIRST_EPOCH)


def set_epoch(district: District, epoch: UUID) -> None:
    with district._owner.begin() as connection:
        for service in SERVICES:
            connection.execute(
                text(f"UPDATE {service}.installation_epoch SET epoch = :epoch"), {"epoch": epoch}
            )


def changed(body: bytes, **attributes: str | None) -> bytes:
    message = json.loads(body) | attributes
    return json.dumps({name: value for name, value in message.items() if value}).encode()


def foreign() -> float:
    return EVENTS_HANDLED.labels("rewards", "", "foreign")._value.get()


def test_a_message_carries_the_epoch_and_all_schemas_begin_with_the_same(
    district: District, receiver: Receiver
) -> None:
    _, body = receiver.published()
    assert json.loads(body)["epoch"] == str(FIRST_EPOCH)
    for member in district.services.values():
        with member.session() as session:
            assert current_epoch(session) == FIRST_EPOCH


@pytest.mark.parametrize("redelivered", [False, True])
@pytest.mark.parametrize("epoch", [None, "01234567-0123-4123-8123-012345678901"])
def test_a_message_of_another_epoch_takes_no_effect_and_leaves_no_row(
    receiver: Receiver, epoch: str | None, redelivered: bool
) -> None:
    _, body = receiver.published()
    of_ours, ours = receiver.published()
    before = foreign()

    other = Delivery(changed(body, epoch=epoch), redelivered=redelivered)
    receiver.inbox.receive([other, Delivery(ours)])  # returns, so both are acknowledged

    assert receiver.received == [of_ours]
    assert (receiver.count(InboxRow), receiver.count(Attempt), receiver.count(DeadLetter)) == (
        1,
        0,
        0,
    )
    assert foreign() == before + 1


def test_what_was_published_before_a_restore_is_refused_after_it(
    district: District, receiver: Receiver
) -> None:
    _, lost = receiver.published()
    set_epoch(district, new_id())
    volunteer_id, body = receiver.published()

    receiver.inbox.receive([Delivery(lost), Delivery(body)])

    assert receiver.received == [volunteer_id]


def test_nothing_is_taken_in_while_a_restore_is_not_finished(
    district: District, receiver: Receiver
) -> None:
    _, body = receiver.published()
    with district._owner.begin() as connection:
        connection.execute(text("DELETE FROM rewards.installation_epoch"))
    try:
        receiver.inbox.receive([Delivery(body), Delivery(changed(body, epoch=None))])
        answer = district.rewards.call("GET", "/rewards/readyz")
    finally:
        with district._owner.begin() as connection:
            connection.execute(
                text("INSERT INTO rewards.installation_epoch (epoch) VALUES (:epoch)"),
                {"epoch": FIRST_EPOCH},
            )

    assert receiver.received == []
    assert answer.status_code == 503
    assert answer.get_json()["status"] == "down"
    assert answer.get_json()["reasons"][0]["code"] == "restore_unfinished"


def test_the_epoch_of_what_a_feed_brings_is_not_compared(receiver: Receiver) -> None:
    volunteer_id, body = receiver.published()
    receiver.inbox.receive([Delivery(changed(body, epoch=None), trusted=True)])
    assert receiver.received == [volunteer_id]


def test_an_attempt_of_before_a_restore_is_ours_and_goes_on(
    district: District, receiver: Receiver
) -> None:
    """The row was restored, so the event is of this history."""
    volunteer_id, body = receiver.published()
    receiver.failing = True
    receiver.inbox.receive([Delivery(body)])
    set_epoch(district, new_id())
    receiver.failing = False
    receiver.inbox.receive([Delivery(body)])  # what the broker still holds does not end the attempt
    assert (receiver.received, receiver.count(Attempt)) == ([], 1)

    with receiver.member.session() as session:
        attempts.take_back(session, UUID(json.loads(body)["id"]))
        session.execute(text("UPDATE attempts SET due_at = now()"))
    receiver.inbox.retry_due()

    assert receiver.received == [volunteer_id]


@pytest.mark.parametrize(
    "spoil",
    [
        {"dataschema": "/events/registration/volunteer.activated/v99"},
        {"subject": None},
    ],
    ids=["unknown", "unreadable"],
)
def test_a_foreign_message_becomes_no_dead_letter_that_somebody_could_replay(
    receiver: Receiver, spoil: dict[str, str | None]
) -> None:
    _, body = receiver.published()
    spoilt = changed(body, **spoil)
    receiver.inbox.receive([Delivery(changed(spoilt, epoch=None))])
    receiver.inbox.receive([Delivery(changed(spoilt, epoch=None), returned=True)])
    assert receiver.count(DeadLetter) == 0

    receiver.inbox.receive([Delivery(spoilt)])
    assert receiver.count(DeadLetter) == 1
    with receiver.member.session() as session:
        session.execute(delete(DeadLetter))


def test_the_application_role_cannot_change_the_epoch(district: District) -> None:
    for statement in (
        "UPDATE installation_epoch SET epoch = gen_random_uuid()",
        "DELETE FROM installation_epoch",
        "TRUNCATE installation_epoch",
    ):
        with (
            pytest.raises(Exception, match="permission denied"),
            district.rewards.session() as session,
        ):
            session.execute(text(statement))


def test_a_new_epoch_begins_every_feed_anew(district: District, receiver: Receiver) -> None:
    """A reader's place may lie in the discarded future."""
    receiver.published()
    as_staff = district.token("staff")
    first = district.registration.call("GET", "/v1/events/registration", as_=as_staff).get_json()
    place = {"after": first["next"]}

    def count() -> int:
        page = district.registration.call(
            "GET", "/v1/events/registration", as_=as_staff, query_string=place
        )
        return len(page.get_json()["items"])

    assert (len(first["items"]), count()) == (1, 0)
    set_epoch(district, new_id())
    assert count() == 1


@pytest.mark.parametrize("deferred", [False, True])
def test_a_redelivered_event_takes_no_effect_if_a_restore_came_after_its_attempt_was_counted(
    district: District, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, deferred: bool
) -> None:
    """As by `new-epoch --force` while a forgotten bus still runs."""
    _, body = receiver.published()
    if deferred:
        receiver.failing = True
        receiver.inbox.receive([Delivery(body)])
        receiver.failing = False
    begin_attempt = attempts.begin_attempt

    def begin_and_restore(session: Session, event: Any) -> BegunAttempt:
        begun = begin_attempt(session, event)
        after_commit(session, lambda: set_epoch(district, new_id()))
        return begun

    monkeypatch.setattr(attempts, "begin_attempt", begin_and_restore)
    receiver.inbox.receive([Delivery(body, redelivered=True)])

    assert receiver.received == []
    assert (receiver.count(InboxRow), receiver.count(Attempt)) == (0, 0), "else it is tried later"
