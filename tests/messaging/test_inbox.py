"""The listening side: once, whatever is delivered; what fails is remembered; what is nobody's fault
is not counted.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from devkit.testkit import District, take_outbox
from shared.contracts.base import Event
from shared.contracts.registration import VolunteerActivated, VolunteerRegistered
from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.messaging.attempts import MAX_ATTEMPTS, Attempt, DeadLetter, replay
from shared.messaging.envelope import read_event
from shared.messaging.inbox import Delivery, Inbox, InboxRow, TryAgain
from shared.messaging.outbox import publish


class Receiver:
    """A listener that remembers what it heard, in the transaction, as a row of `job_runs`, and
    fails on demand.
    """

    def __init__(self, district: District) -> None:
        self.member = district.wishes
        self.fail_on: set[UUID] = set()
        self.error: Callable[[], Exception] = lambda: ValueError("no such thing")
        self.calls = 0
        self.inbox = Inbox(
            self.member.database, {VolunteerActivated: self.hear, VolunteerRegistered: self.hear}
        )

    def hear(self, session: Session, events: list[Any]) -> None:
        self.calls += 1
        for event in events:
            session.execute(
                text(
                    "INSERT INTO job_runs (name, period) SELECT :name, count(*) FROM job_runs WHERE name = :name"
                ),
                {"name": str(event.volunteer_id)},
            )
        if any(event.volunteer_id in self.fail_on for event in events):
            raise self.error()

    def effects(self, volunteer_id: UUID) -> int:
        with self.member.session() as session:
            return session.scalars(
                text("SELECT count(*) FROM job_runs WHERE name = :name").bindparams(
                    name=str(volunteer_id)
                )
            ).one()

    def count(self, model: type) -> int:
        with self.member.session() as session:
            return session.scalars(select(func.count()).select_from(model)).one()

    def make_due(self) -> None:
        with self.member.session() as session:
            session.execute(update(Attempt).values(due_at=app_now()))


@pytest.fixture
def ear(district: District) -> Receiver:
    return Receiver(district)


def say(district: District, *events: Event) -> list[Delivery]:
    with district.registration.session() as session:
        publish(session, *events)
    return [Delivery(body) for _, _, body in take_outbox(district.registration)]


def activated(n: int) -> list[VolunteerActivated]:
    return [VolunteerActivated(volunteer_id=new_id()) for _ in range(n)]


def test_a_fact_takes_effect_once_however_often_it_is_delivered(
    district: District, ear: Receiver
) -> None:
    events = activated(5)
    deliveries = say(district, *events)
    ear.inbox.receive(deliveries * 2)
    ear.inbox.receive(list(reversed(deliveries)))
    ear.inbox.receive([replace(d, redelivered=True) for d in deliveries])
    assert [ear.effects(f.volunteer_id) for f in events] == [1] * 5
    assert ear.count(InboxRow) == 5
    assert ear.count(Attempt) == 0


def test_two_buses_at_once_take_a_fact_in_once(district: District, ear: Receiver) -> None:
    events = activated(40)
    deliveries = say(district, *events)
    threads = [threading.Thread(target=ear.inbox.receive, args=(deliveries,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [ear.effects(f.volunteer_id) for f in events] == [1] * 40


def test_one_bad_fact_does_not_hold_up_its_batch(district: District, ear: Receiver) -> None:
    events = activated(6)
    ear.fail_on = {events[2].volunteer_id}
    ear.inbox.receive(say(district, *events))
    assert [ear.effects(f.volunteer_id) for f in events] == [1, 1, 0, 1, 1, 1]
    with ear.member.session() as session:
        attempt = session.scalars(select(Attempt)).one()
    assert attempt.attempts == 1
    assert attempt.error == "ValueError: no such thing"


def test_what_fails_five_times_is_a_dead_letter_and_replay_works(
    district: District, ear: Receiver
) -> None:
    event = activated(1)[0]
    ear.fail_on = {event.volunteer_id}
    ear.inbox.receive(say(district, event))
    for _ in range(MAX_ATTEMPTS - 1):
        assert ear.count(DeadLetter) == 0
        ear.make_due()
        ear.inbox.retry_due()
    assert ear.calls == MAX_ATTEMPTS
    assert ear.count(Attempt) == 0
    ear.fail_on = set()
    with ear.member.session() as session:
        letter = session.scalars(select(DeadLetter)).one()
        assert (letter.reason, letter.attempts) == ("failed", MAX_ATTEMPTS)
        replay(session, letter)
    ear.inbox.retry_due()
    assert ear.effects(event.volunteer_id) == 1
    assert ear.count(Attempt) == 0


def test_what_was_given_up_is_not_tried_again_when_it_is_delivered_again(
    district: District, ear: Receiver
) -> None:
    """As by a crash between the dead letter and the acknowledgement, or by catch-up."""
    event = activated(1)[0]
    ear.fail_on = {event.volunteer_id}
    (delivery,) = say(district, event)
    ear.inbox.receive([delivery])
    for _ in range(MAX_ATTEMPTS - 1):
        ear.make_due()
        ear.inbox.retry_due()
    calls = ear.calls
    ear.inbox.receive([replace(delivery, redelivered=True), delivery])
    assert ear.calls == calls
    assert (ear.count(Attempt), ear.count(DeadLetter)) == (0, 1)


def test_a_fact_is_not_tried_before_it_is_due(district: District, ear: Receiver) -> None:
    event = activated(1)[0]
    ear.fail_on = {event.volunteer_id}
    ear.inbox.receive(say(district, event))
    assert ear.inbox.retry_due() == 0


def test_a_message_that_kills_the_process_is_found_out_within_five_attempts(
    district: District, ear: Receiver
) -> None:
    class Killed(BaseException):
        """Stands for kill -9: nothing after it runs."""

    event = activated(1)[0]
    ear.fail_on = {event.volunteer_id}
    ear.error = Killed  # type: ignore[assignment]
    (delivery,) = say(district, event)
    deliveries = 0
    while ear.count(DeadLetter) == 0:
        deliveries += 1
        assert deliveries <= MAX_ATTEMPTS + 1
        try:
            ear.inbox.receive([replace(delivery, redelivered=deliveries > 1)])
        except Killed:
            continue
    assert ear.calls == MAX_ATTEMPTS
    with ear.member.session() as session:
        assert session.scalars(select(DeadLetter.reason)).one() == "killed"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "unreadable"),
        (b"", "unreadable"),
        (b"\xff\xfe", "unreadable"),
        (b"[]", "unreadable"),
        (b'"text"', "unreadable"),
        (b"null", "unreadable"),
        (b'{"id": 7}', "unreadable"),
        (b'{"a":"\x00"}', "unreadable"),
        (b"[" * 100_000, "unreadable"),
    ],
)
def test_an_unreadable_message_is_kept_and_never_crashes(
    ear: Receiver, body: bytes, reason: str
) -> None:
    ear.inbox.receive([Delivery(body)])
    with ear.member.session() as session:
        assert session.scalars(select(DeadLetter.reason)).one() == reason


def test_an_unknown_type_or_version_is_kept_while_the_rest_flows(
    district: District, ear: Receiver
) -> None:
    events = activated(2)
    first, second = say(district, *events)
    other = Delivery(first.body.replace(b"volunteer.activated/v1", b"volunteer.activated/v99"))
    ear.inbox.receive([other, second])
    with ear.member.session() as session:
        letter = session.scalars(select(DeadLetter)).one()
    assert letter.reason == "unknown"
    assert "v99" in (letter.error or "")
    assert ear.effects(events[1].volunteer_id) == 1


def test_a_missing_field_is_unreadable_and_an_additional_one_is_ignored(
    district: District, ear: Receiver
) -> None:
    events = activated(2)
    first, second = say(district, *events)
    ear.inbox.receive(
        [
            Delivery(first.body.replace(b'"volunteer_id"', b'"volunteer"')),
            Delivery(second.body.replace(b'"data":{', b'"data":{"new_field":1,')),
        ]
    )
    assert [ear.effects(f.volunteer_id) for f in events] == [0, 1]
    assert ear.count(DeadLetter) == 1


def test_a_database_that_is_away_counts_nothing(district: District, ear: Receiver) -> None:
    event = activated(1)[0]
    ear.fail_on = {event.volunteer_id}
    ear.error = lambda: OperationalError(
        "SELECT 1", {}, psycopg.OperationalError("server closed the connection")
    )
    (delivery,) = say(district, event)
    for redelivered in (False, True):
        with pytest.raises(TryAgain):
            ear.inbox.receive([replace(delivery, redelivered=redelivered)])
    ear.fail_on = set()
    ear.inbox.receive([delivery])
    assert ear.effects(event.volunteer_id) == 1
    assert ear.count(DeadLetter) == 0


def test_contention_takes_its_count_back(district: District, ear: Receiver) -> None:
    """A lock that lasts longer than all attempts must not make a healthy fact a dead letter."""
    from psycopg.errors import LockNotAvailable

    event = activated(1)[0]
    ear.fail_on = {event.volunteer_id}
    ear.error = lambda: OperationalError("SELECT 1", {}, LockNotAvailable("busy"))
    (delivery,) = say(district, event)
    for _ in range(MAX_ATTEMPTS + 2):
        with pytest.raises(TryAgain):
            ear.inbox.receive([replace(delivery, redelivered=True)])
    ear.fail_on = set()
    ear.inbox.receive([replace(delivery, redelivered=True)])
    assert ear.effects(event.volunteer_id) == 1
    assert ear.count(DeadLetter) == 0


def test_a_killer_among_the_due_uses_up_nobody_elses_attempts(
    district: District, ear: Receiver
) -> None:
    class Killed(BaseException):
        """Stands for kill -9."""

    events = activated(4)
    ear.fail_on = {f.volunteer_id for f in events}
    ear.inbox.receive(say(district, *events))
    ear.fail_on = {events[0].volunteer_id}
    ear.error = Killed  # type: ignore[assignment]
    for _ in range(MAX_ATTEMPTS + 2):
        ear.make_due()
        try:
            ear.inbox.retry_due()
        except Killed:
            continue
    assert [ear.effects(f.volunteer_id) for f in events] == [0, 1, 1, 1]
    assert ear.count(DeadLetter) == 1


def test_a_received_fact_carries_its_envelope(district: District) -> None:
    event = activated(1)[0]
    (delivery,) = say(district, event)
    heard = read_event(delivery.body)
    assert heard.model_dump() == event.model_dump()
    assert heard.envelope.sequence > 0
    assert heard.envelope.body.encode() == delivery.body
