"""Any bytes are an event or a dead letter, in one try; burying them cannot fail."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from console.commands.messages import list_dead_letters, show_dead_letter
from devkit.testkit import District, take_outbox
from shared.contracts.base import Event
from shared.contracts.registration import Bucket, HoursRecorded, Origin, VolunteerActivated
from shared.core import clock
from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.messaging import attempts
from shared.messaging.attempts import Attempt, DeadLetter
from shared.messaging.envelope import KEPT_CHARACTERS, MOST_BYTES
from shared.messaging.inbox import Delivery, Inbox, InboxRow
from shared.messaging.outbox import publish
from shared.service.catch_up import CatchUp


class Receiver:
    """Takes volunteers and hours in; `fail` decides what a handler raises."""

    def __init__(self, district: District) -> None:
        self.district, self.member = district, district.rewards
        self.fail: Callable[[], None] = lambda: None
        self.received: list[Any] = []
        self.inbox = Inbox(
            self.member.database, {VolunteerActivated: self.handle, HoursRecorded: self.handle}
        )

    def handle(self, _: Session, events: list[Any]) -> None:
        self.fail()
        self.received += events

    def message(self, event: Event | None = None) -> bytes:
        with self.district.registration.session() as session:
            publish(session, event or VolunteerActivated(volunteer_id=new_id()))
        (message,) = take_outbox(self.district.registration)
        return message.body

    def take(self, *bodies: bytes) -> None:
        self.inbox.receive([Delivery(body) for body in bodies])

    def letters(self) -> list[DeadLetter]:
        with self.member.session() as session:
            return list(session.scalars(select(DeadLetter).order_by(DeadLetter.id)))

    def attempts(self) -> list[Attempt]:
        with self.member.session() as session:
            return list(session.scalars(select(Attempt)))


@pytest.fixture
def receiver(district: District) -> Receiver:
    return Receiver(district)


def changed(body: bytes, **changes: Any) -> bytes:
    return json.dumps(json.loads(body) | changes).encode()


def hours(**changes: Any) -> Callable[[bytes], bytes]:
    """Change the data of a `hours.recorded`; past its contract, as a foreign publisher would."""

    def change(body: bytes) -> bytes:
        message = json.loads(body)
        return json.dumps(message | {"data": message["data"] | changes}).encode()

    return change


POISON: dict[str, Callable[[bytes], bytes]] = {
    "no message": lambda _: b"",
    "invalid UTF-8": lambda body: body + b"\xff",
    "UTF-16": lambda body: body.decode().encode("utf-16"),
    "a byte order mark": lambda body: b"\xef\xbb\xbf" + body,
    "no end": lambda body: body[:-1],
    "infinite sequence": lambda body: changed(body).replace(
        b'"sequence": "', b'"sequence": 1e400, "x": "'
    ),
    "sequence beyond bigint": lambda body: changed(body, sequence=str(2**63)),
    "sequence of 5,000 digits": lambda body: changed(body, sequence="9" * 5_000),
    "number of 5,000 digits": lambda body: body.replace(
        b'"data":', b'"x":' + b"9" * 5_000 + b',"data":'
    ),
    "negative sequence": lambda body: changed(body, sequence=-1),
    "NUL in the type": lambda body: changed(body, type="a\x00b"),
    "NUL in the subject": lambda body: changed(body, subject="a\x00b"),
    "half a surrogate in the type": lambda body: changed(body, type="\ud800"),
    "half a surrogate in the subject": lambda body: changed(body, subject="\ud800"),
    "a raw NUL": lambda body: body.replace(b'"subject":"', b'"subject":"\x00'),
    "a terminal's control characters": lambda body: changed(body, type="\x1b[2J"),
    "a naive time": lambda body: changed(body, time="2026-11-23T08:00:00"),
    "a time years away": lambda body: changed(body, time="2999-01-01T00:00:00Z"),
    "a time long ago": lambda body: changed(body, time="1900-01-01T00:00:00Z"),
    "a number as time": lambda body: changed(body, time=1e300),
    "another CloudEvents": lambda body: changed(body, specversion="0.3"),
    "another content": lambda body: changed(body, datacontenttype="text/xml"),
    "a type that is a list": lambda body: changed(body, type=[]),
    "an id that is an object": lambda body: changed(body, id={}),
    "a schema without version": lambda body: changed(body, dataschema="/events"),
    "a schema of many digits": lambda body: changed(body, dataschema="/v" + "9" * 5_000),
    "data that are text": lambda body: changed(body, data="{}"),
    "data that are null": lambda body: changed(body, data=None),
    "10,000 levels": lambda body: body.replace(
        b'"data":', b'"x":' + b"[" * 10_000 + b"]" * 10_000 + b',"data":'
    ),
    "NaN": lambda body: body.replace(b'"data":', b'"x":NaN,"data":'),
    "Infinity": lambda body: body.replace(b'"data":', b'"x":-Infinity,"data":'),
    "a repeated key": lambda body: body.replace(b'"data":', b'"subject":"x","data":'),
    "a repeated key inside": lambda body: body.replace(
        b'"minutes":60', b'"minutes":60,"minutes":61'
    ),
    "5 MB": lambda body: body.replace(b'"data":', b'"x":"' + b"x" * 5_000_000 + b'","data":'),
    "very many minutes": hours(minutes=10**18),
    "no minutes": hours(minutes=0),
    "true minutes": hours(minutes=True),
    "minutes as text": hours(minutes="60"),
    "a day years away": hours(worked_on="2999-01-01"),
    "a long category": hours(category="x" * 65),
    "NUL in the category": hours(category="a\x00b"),
    "half a surrogate in the category": hours(category="\udfff"),
}


@pytest.mark.check("R8")
@pytest.mark.parametrize("poison", POISON.values(), ids=POISON.keys())
def test_what_cannot_be_read_is_a_dead_letter_at_once(
    receiver: Receiver, poison: Callable[[bytes], bytes]
) -> None:
    record = HoursRecorded(
        record_id=new_id(),
        volunteer_id=new_id(),
        organisation_id=new_id(),
        minutes=60,
        category="patrol",
        bucket=Bucket.VERIFIED,
        origin=Origin.SYSTEM,
        worked_on=clock.now().date(),
    )
    good = receiver.message()
    receiver.take(poison(receiver.message(record)), good)
    (letter,) = receiver.letters()
    assert (letter.reason, letter.attempts) in (("unreadable", 1), ("unknown", 1))
    assert len(letter.body) <= 4 * MOST_BYTES
    assert letter.error and letter.error.isprintable() and len(letter.error) <= 500
    assert not receiver.attempts()
    assert [event.envelope.body.encode() for event in receiver.received] == [good]


@pytest.mark.parametrize("trace", [5, [], "x", "\x00", "\ud800", "00-" + "g" * 52, {"a": 1}])
def test_a_trace_that_is_none_is_ignored(receiver: Receiver, trace: Any) -> None:
    receiver.take(changed(receiver.message(), traceparent=trace))
    assert (len(receiver.received), receiver.letters()) == (1, [])


@pytest.mark.parametrize("words", ["a\x00b", "\ud800", "\x1b[2J", "x" * 10_000])
def test_whatever_an_error_says_can_be_noted(receiver: Receiver, words: str) -> None:
    def fail() -> None:
        raise ValueError(words)

    receiver.fail = fail
    receiver.take(receiver.message())
    (attempt,) = receiver.attempts()
    assert attempt.error and attempt.error.isprintable() and len(attempt.error) <= 500


def test_an_error_that_fails_to_speak_is_noted(receiver: Receiver) -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def fail() -> None:
        raise Silent

    receiver.fail = fail
    receiver.take(receiver.message())
    assert [attempt.error for attempt in receiver.attempts()] == ["Silent: (says nothing)"]


def test_a_body_that_the_database_refuses_is_left_out(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_up = attempts.give_up

    def refuse(session: Session, letter: attempts.GivenUp) -> None:
        if letter.body == "nonsense":
            raise DataError("INSERT", {}, Exception("cannot hold this"))
        give_up(session, letter)

    monkeypatch.setattr(attempts, "give_up", refuse)
    good = receiver.message()
    receiver.take(b"nonsense", good)
    assert [letter.body for letter in receiver.letters()] == ["(could not be stored)"]
    assert len(receiver.received) == 1


def test_a_readable_copy_of_an_unreadable_message_takes_effect(receiver: Receiver) -> None:
    """As when a bit flips in the broker, and the feed still has the event."""
    good = receiver.message()
    receiver.take(changed(good, time="yesterday"))
    receiver.take(good)
    assert len(receiver.received) == 1
    with receiver.member.session() as session:
        assert session.get(InboxRow, UUID(json.loads(good)["id"])) is not None


def test_a_replay_reads_the_body_that_failed_and_not_an_unreadable_copy(receiver: Receiver) -> None:
    def fail() -> None:
        raise ValueError

    good = receiver.message()
    spoilt = changed(good, time="yesterday")
    receiver.take(spoilt)
    receiver.fail = fail
    receiver.take(good)
    for _ in range(attempts.MAX_ATTEMPTS - 1):
        with receiver.member.session() as session:
            session.execute(update(Attempt).values(due_at=app_now()))
        receiver.inbox.retry_due()
    receiver.take(spoilt)  # nor does a copy that comes later take its place
    (letter,) = receiver.letters()
    assert (letter.body.encode(), letter.reason, letter.attempts) == (good, "failed", 5)

    receiver.fail = lambda: None
    with receiver.member.session() as session:
        attempts.replay(session, session.scalars(select(DeadLetter)).one())
    receiver.inbox.retry_due()
    assert [event.envelope.body.encode() for event in receiver.received] == [good]


def test_less_is_kept_of_a_message_without_an_id(receiver: Receiver) -> None:
    """Each copy of it is a row of its own."""
    receiver.take(b"\xff" * MOST_BYTES, b'"' + b"x" * 20_000)
    receiver.take(b"{" + b"y" * (KEPT_CHARACTERS - 1))
    kept = [len(letter.body) for letter in receiver.letters()]
    assert kept[2] == KEPT_CHARACTERS
    assert all(KEPT_CHARACTERS < one < KEPT_CHARACTERS + 100 for one in kept[:2])


def test_what_is_replayed_and_still_unreadable_is_a_dead_letter_again(receiver: Receiver) -> None:
    receiver.take(changed(receiver.message(), time="yesterday"))
    with receiver.member.session() as session:
        attempts.replay(session, session.scalars(select(DeadLetter)).one())
    receiver.inbox.retry_due()
    (letter,) = receiver.letters()
    assert (letter.reason, letter.replayed_at) == ("unreadable", None)
    assert not receiver.attempts()


def test_garbage_in_a_feed_loses_nothing_behind_it(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = json.loads(receiver.message())
    garbage: list[Any] = [
        None,
        7,
        "x",
        [],
        {},
        {"time": 5},
        good | {"time": "\ud800"},
        {"time": "x"},
    ]
    settings = receiver.member.settings.model_copy(update={"catch_up_age_seconds": 0})
    catch_up = CatchUp(receiver.member.database, receiver.inbox, settings)
    pages = iter([{"items": [*garbage, good], "next": "a"}, {"items": [], "next": "a"}])
    monkeypatch.setattr(catch_up, "_fetch", lambda *_: next(pages))
    catch_up.read_feed("registration")
    assert (len(receiver.received), len(receiver.letters())) == (1, len(garbage))


def test_poison_can_be_looked_at_and_replayed(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in receiver.district.env.items():
        monkeypatch.setenv(name, value)  # for the commands
    receiver.take(*(change(receiver.message()) for change in POISON.values()))
    staff = receiver.district.token("staff")
    answer = receiver.member.call("GET", "/rewards/dead-letters?limit=200", as_=staff)
    assert answer.json is not None
    assert (answer.status_code, len(answer.json["items"])) == (200, len(receiver.letters()))
    listed = CliRunner().invoke(list_dead_letters, ["rewards"])
    assert (listed.exit_code, len(listed.output.splitlines())) == (0, len(receiver.letters()))
    for letter in receiver.letters():
        shown = CliRunner().invoke(show_dead_letter, [str(letter.id)])
        assert shown.exit_code == 0, shown.output
        path = f"/rewards/dead-letters/{letter.id}/replay"
        answer = receiver.member.call("POST", path, as_=staff)
        assert answer.status_code == (200 if letter.event_id else 409)
