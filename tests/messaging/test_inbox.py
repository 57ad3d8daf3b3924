"""The inbox: an event takes effect once, failures are noted, a busy database costs nothing."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.errors import QueryCanceled
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from devkit.testkit import District, take_outbox
from shared.contracts.base import Event
from shared.contracts.registration import VolunteerActivated, VolunteerRegistered
from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.db.engine import Database
from shared.db.limits import Limits
from shared.messaging.attempts import MAX_ATTEMPTS, Attempt, DeadLetter, replay
from shared.messaging.envelope import read_event
from shared.messaging.inbox import Delivery, Inbox, InboxRow, TryAgain
from shared.messaging.outbox import publish


class Receiver:
    """Handles events with a row of `job_runs` each, in the transaction, and fails on demand."""

    def __init__(self, district: District) -> None:
        self.member = district.wishes
        self.fail_on: set[UUID] = set()
        self.error: Callable[[], Exception] = lambda: ValueError("no such thing")
        self.calls = 0
        self.inbox = Inbox(
            self.member.database,
            {VolunteerActivated: self.handle, VolunteerRegistered: self.handle},
        )

    def handle(self, session: Session, events: list[Any]) -> None:
        self.calls += 1
        for event in events:
            session.execute(
                text(
                    "INSERT INTO job_runs (name, period) "
                    "SELECT :name, count(*) FROM job_runs WHERE name = :name"
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

    def pause_seconds(self) -> float:
        """How long the one attempt still has to wait."""
        pause = func.extract("epoch", Attempt.due_at - app_now())
        with self.member.session() as session:
            return float(session.scalars(select(pause)).one())

    def make_due(self) -> None:
        with self.member.session() as session:
            session.execute(update(Attempt).values(due_at=app_now()))


@pytest.fixture
def receiver(district: District) -> Receiver:
    return Receiver(district)


def publish_and_take(district: District, *events: Event) -> list[Delivery]:
    with district.registration.session() as session:
        publish(session, *events)
    return [Delivery(body) for _, _, body in take_outbox(district.registration)]


def activated(n: int) -> list[VolunteerActivated]:
    return [VolunteerActivated(volunteer_id=new_id()) for _ in range(n)]


@pytest.mark.check("R10")
def test_an_event_takes_effect_once_however_often_it_is_delivered(
    district: District, receiver: Receiver
) -> None:
    events = activated(5)
    deliveries = publish_and_take(district, *events)
    receiver.inbox.receive(deliveries * 2)
    receiver.inbox.receive(list(reversed(deliveries)))
    receiver.inbox.receive([replace(d, redelivered=True) for d in deliveries])
    assert [receiver.effects(event.volunteer_id) for event in events] == [1] * 5
    assert receiver.count(InboxRow) == 5
    assert receiver.count(Attempt) == 0


def test_two_buses_at_once_take_an_event_in_once(district: District, receiver: Receiver) -> None:
    events = activated(40)
    deliveries = publish_and_take(district, *events)
    threads = [
        threading.Thread(target=receiver.inbox.receive, args=(deliveries,)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [receiver.effects(event.volunteer_id) for event in events] == [1] * 40


def test_one_bad_event_does_not_hold_up_its_batch(district: District, receiver: Receiver) -> None:
    events = activated(6)
    receiver.fail_on = {events[2].volunteer_id}
    receiver.inbox.receive(publish_and_take(district, *events))
    assert [receiver.effects(event.volunteer_id) for event in events] == [1, 1, 0, 1, 1, 1]
    with receiver.member.session() as session:
        attempt = session.scalars(select(Attempt)).one()
    assert attempt.attempts == 1
    assert attempt.error == "ValueError: no such thing"


@pytest.mark.check("R8")
def test_what_fails_five_times_is_a_dead_letter_and_replay_works(
    district: District, receiver: Receiver
) -> None:
    event = activated(1)[0]
    receiver.fail_on = {event.volunteer_id}
    receiver.inbox.receive(publish_and_take(district, event))
    for _ in range(MAX_ATTEMPTS - 1):
        assert receiver.count(DeadLetter) == 0
        receiver.make_due()
        receiver.inbox.retry_due()
    assert receiver.calls == MAX_ATTEMPTS
    assert receiver.count(Attempt) == 0
    receiver.fail_on = set()
    with receiver.member.session() as session:
        letter = session.scalars(select(DeadLetter)).one()
        assert (letter.reason, letter.attempts) == ("failed", MAX_ATTEMPTS)
        replay(session, letter)
    receiver.inbox.retry_due()
    assert receiver.effects(event.volunteer_id) == 1
    assert receiver.count(Attempt) == 0


def test_what_was_given_up_is_not_tried_again_when_it_is_delivered_again(
    district: District, receiver: Receiver
) -> None:
    """As by a crash between the dead letter and the acknowledgement, or by catch-up."""
    event = activated(1)[0]
    receiver.fail_on = {event.volunteer_id}
    (delivery,) = publish_and_take(district, event)
    receiver.inbox.receive([delivery])
    for _ in range(MAX_ATTEMPTS - 1):
        receiver.make_due()
        receiver.inbox.retry_due()
    calls = receiver.calls
    receiver.inbox.receive([replace(delivery, redelivered=True), delivery])
    assert receiver.calls == calls
    assert (receiver.count(Attempt), receiver.count(DeadLetter)) == (0, 1)


def test_an_event_is_not_tried_before_it_is_due(district: District, receiver: Receiver) -> None:
    event = activated(1)[0]
    receiver.fail_on = {event.volunteer_id}
    receiver.inbox.receive(publish_and_take(district, event))
    assert receiver.inbox.retry_due() == 0


@pytest.mark.check("R8")
def test_a_message_that_kills_the_process_is_found_out_within_five_attempts(
    district: District, receiver: Receiver
) -> None:
    class Killed(BaseException):
        """Stands for kill -9: nothing after it runs."""

    event = activated(1)[0]
    receiver.fail_on = {event.volunteer_id}
    receiver.error = Killed  # type: ignore[assignment]
    (delivery,) = publish_and_take(district, event)
    deliveries = 0
    while receiver.count(DeadLetter) == 0:
        deliveries += 1
        assert deliveries <= MAX_ATTEMPTS + 1
        try:
            receiver.inbox.receive([replace(delivery, redelivered=deliveries > 1)])
        except Killed:
            continue
    assert receiver.calls == MAX_ATTEMPTS
    with receiver.member.session() as session:
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
    receiver: Receiver, body: bytes, reason: str
) -> None:
    receiver.inbox.receive([Delivery(body)])
    with receiver.member.session() as session:
        assert session.scalars(select(DeadLetter.reason)).one() == reason


def test_an_unknown_type_or_version_is_kept_while_the_rest_flows(
    district: District, receiver: Receiver
) -> None:
    events = activated(2)
    first, second = publish_and_take(district, *events)
    other = Delivery(first.body.replace(b"volunteer.activated/v1", b"volunteer.activated/v99"))
    receiver.inbox.receive([other, second])
    with receiver.member.session() as session:
        letter = session.scalars(select(DeadLetter)).one()
    assert letter.reason == "unknown"
    assert "v99" in (letter.error or "")
    assert receiver.effects(events[1].volunteer_id) == 1


def test_a_missing_field_is_unreadable_and_an_additional_one_is_ignored(
    district: District, receiver: Receiver
) -> None:
    events = activated(2)
    first, second = publish_and_take(district, *events)
    receiver.inbox.receive(
        [
            Delivery(first.body.replace(b'"volunteer_id"', b'"volunteer"')),
            Delivery(second.body.replace(b'"data":{', b'"data":{"new_field":1,')),
        ]
    )
    assert [receiver.effects(event.volunteer_id) for event in events] == [0, 1]
    assert receiver.count(DeadLetter) == 1


def test_a_database_that_is_away_counts_nothing(district: District, receiver: Receiver) -> None:
    event = activated(1)[0]
    receiver.fail_on = {event.volunteer_id}
    receiver.error = lambda: OperationalError(
        "SELECT 1", {}, psycopg.OperationalError("server closed the connection")
    )
    (delivery,) = publish_and_take(district, event)
    for redelivered in (False, True):
        with pytest.raises(TryAgain):
            receiver.inbox.receive([replace(delivery, redelivered=redelivered)])
    receiver.fail_on = set()
    receiver.inbox.receive([delivery])
    assert receiver.effects(event.volunteer_id) == 1
    assert receiver.count(DeadLetter) == 0


def test_contention_takes_its_count_back(district: District, receiver: Receiver) -> None:
    """A lock that lasts longer than all attempts must not make a healthy event a dead letter."""
    from psycopg.errors import LockNotAvailable

    event = activated(1)[0]
    receiver.fail_on = {event.volunteer_id}
    receiver.error = lambda: OperationalError("SELECT 1", {}, LockNotAvailable("busy"))
    (delivery,) = publish_and_take(district, event)
    for _ in range(MAX_ATTEMPTS + 2):
        with pytest.raises(TryAgain):
            receiver.inbox.receive([replace(delivery, redelivered=True)])
    receiver.fail_on = set()
    receiver.inbox.receive([replace(delivery, redelivered=True)])
    assert receiver.effects(event.volunteer_id) == 1
    assert receiver.count(DeadLetter) == 0


def too_slow() -> Exception:
    return OperationalError("SELECT 1", {}, QueryCanceled("statement timeout"))


def test_an_event_whose_statement_always_takes_too_long_has_an_end(
    district: District, receiver: Receiver
) -> None:
    """Nobody knows whether it or the database is slow, so it may not be tried for ever."""
    slow, other = events = activated(2)
    receiver.fail_on, receiver.error = {slow.volunteer_id}, too_slow
    receiver.inbox.receive(publish_and_take(district, *events))
    assert receiver.effects(other.volunteer_id) == 1
    for _ in range(MAX_ATTEMPTS - 1):
        receiver.make_due()
        receiver.inbox.retry_due()
    assert (receiver.count(DeadLetter), receiver.count(Attempt)) == (1, 0)


@pytest.mark.parametrize("redelivered", [False, True])
def test_a_statement_that_took_too_long_is_tried_again_minutes_later(
    district: District, receiver: Receiver, redelivered: bool
) -> None:
    """Else a database that is busy for a minute would make dead letters of good events."""
    event = activated(1)[0]
    receiver.fail_on, receiver.error = {event.volunteer_id}, too_slow
    (delivery,) = publish_and_take(district, event)
    receiver.inbox.receive([replace(delivery, redelivered=redelivered)])
    pauses = [receiver.pause_seconds()]
    while receiver.count(DeadLetter) == 0 and len(pauses) < MAX_ATTEMPTS - 1 - redelivered:
        receiver.make_due()
        receiver.inbox.retry_due()
        pauses.append(receiver.pause_seconds())
    wanted = [1, 300, 600, 1200][redelivered:]
    assert all(one * 0.45 < pause <= one for pause, one in zip(pauses, wanted, strict=True)), pauses


def test_a_database_too_busy_for_all_is_given_time(district: District, receiver: Receiver) -> None:
    """Else each event of a batch would wait in turn, and the broker would miss our heartbeat."""
    events = activated(20)
    deliveries = publish_and_take(district, *events)
    receiver.fail_on, receiver.error = {event.volunteer_id for event in events}, too_slow
    with pytest.raises(TryAgain):
        receiver.inbox.receive(deliveries)
    assert receiver.calls == 3, "the batch, and two events of it"
    receiver.fail_on = set()
    receiver.inbox.receive(deliveries)
    assert [receiver.effects(event.volunteer_id) for event in events] == [1] * 20
    assert receiver.count(DeadLetter) == 0


def test_a_locked_table_costs_no_attempt_and_stops_no_other_service(
    district: District, receiver: Receiver
) -> None:
    member = district.wishes
    short = Database("wishes", member.settings, Limits(5, lock_seconds=1, idle_seconds=5))
    inbox = Inbox(short, receiver.inbox.handlers)
    events = activated(3)
    deliveries = publish_and_take(district, *events)
    with member.database.transaction() as holder:
        holder.execute(text("LOCK TABLE job_runs"))
        with pytest.raises(TryAgain):
            inbox.receive(deliveries)
        with pytest.raises(TryAgain):
            inbox.receive(deliveries[:1])
        with district.rewards.session() as session:
            assert session.scalar(text("SELECT count(*) FROM job_runs")) == 0
    assert (receiver.count(Attempt), receiver.count(DeadLetter)) == (0, 0)
    inbox.receive(deliveries)
    assert [receiver.effects(event.volunteer_id) for event in events] == [1] * 3
    short.engine.dispose()


def test_a_killer_among_the_due_uses_up_nobody_elses_attempts(
    district: District, receiver: Receiver
) -> None:
    class Killed(BaseException):
        """Stands for kill -9."""

    events = activated(4)
    receiver.fail_on = {event.volunteer_id for event in events}
    receiver.inbox.receive(publish_and_take(district, *events))
    receiver.fail_on = {events[0].volunteer_id}
    receiver.error = Killed  # type: ignore[assignment]
    for _ in range(MAX_ATTEMPTS + 2):
        receiver.make_due()
        try:
            receiver.inbox.retry_due()
        except Killed:
            continue
    assert [receiver.effects(event.volunteer_id) for event in events] == [0, 1, 1, 1]
    assert receiver.count(DeadLetter) == 1


def test_a_received_event_carries_its_envelope(district: District) -> None:
    event = activated(1)[0]
    (delivery,) = publish_and_take(district, event)
    received = read_event(delivery.body)
    assert received.model_dump() == event.model_dump()
    assert received.envelope.sequence > 0
    assert received.envelope.body.encode() == delivery.body
