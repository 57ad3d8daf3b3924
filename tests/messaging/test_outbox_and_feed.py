"""Outbox and feed: no late commit is skipped, no row is lost, and catch-up brings what was."""

import threading
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic_core import to_json
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from devkit.testkit import District
from shared.contracts.registration import VolunteerActivated
from shared.core.ids import new_id
from shared.messaging.broker.publisher import Message
from shared.messaging.broker.relay import relay, relay_batch
from shared.messaging.inbox import Delivery
from shared.messaging.outbox import OutboxRow, publish


class StubPublisher:
    """Takes messages, and refuses or fails on demand."""

    def __init__(self) -> None:
        self.taken: list[UUID] = []
        self.refuse: set[UUID] = set()
        self.error: Exception | None = None

    def publish(self, batch: Sequence[Message]) -> set[UUID]:
        if self.error:
            raise self.error
        self.taken += [m.id for m in batch]
        return {m.id for m in batch if m.id in self.refuse}


def unpublished(district: District) -> int:
    with district.registration.session() as session:
        return session.scalars(
            select(func.count()).select_from(OutboxRow).where(OutboxRow.published_at.is_(None))
        ).one()


def publish_some(district: District, n: int = 1) -> list[UUID]:
    with district.registration.session() as session:
        return publish(session, *(VolunteerActivated(volunteer_id=new_id()) for _ in range(n)))


@pytest.mark.check("R4")
def test_a_rolled_back_change_publishes_nothing(district: District) -> None:
    with pytest.raises(ZeroDivisionError), district.registration.session() as session:
        publish(session, VolunteerActivated(volunteer_id=new_id()))
        _ = 1 / 0
    assert unpublished(district) == 0


@pytest.mark.check("R4")
def test_a_row_stays_until_the_broker_confirmed_it(district: District) -> None:
    publish_some(district, 3)
    publisher = StubPublisher()
    publisher.error = OSError("broker away")
    with pytest.raises(OSError, match="away"):
        relay_batch(district.registration.database, publisher, 10)
    assert unpublished(district) == 3
    publisher.error = None
    assert relay_batch(district.registration.database, publisher, 10) == 3
    assert unpublished(district) == 0


def test_what_no_queue_took_stays(district: District) -> None:
    ids = publish_some(district, 3)
    publisher = StubPublisher()
    publisher.refuse = {ids[1]}
    assert relay_batch(district.registration.database, publisher, 10) == 2
    assert unpublished(district) == 1


@pytest.mark.check("R5")
def test_a_lower_row_that_commits_later_is_published(district: District) -> None:
    database, publisher = district.registration.database, StubPublisher()
    with database.session() as slow:
        (late,) = publish(slow, VolunteerActivated(volunteer_id=new_id()))
        (early,) = publish_some(district)
        relay_batch(database, publisher, 10)
        assert publisher.taken == [early]
        slow.commit()
    relay_batch(database, publisher, 10)
    assert publisher.taken == [early, late]


@pytest.mark.check("R5")
def test_many_relays_share_the_rows(district: District) -> None:
    ids = publish_some(district, 400)
    publishers = [StubPublisher() for _ in range(3)]

    def relay(publisher: StubPublisher) -> None:
        while relay_batch(district.registration.database, publisher, 20):
            pass

    threads = [threading.Thread(target=relay, args=(publisher,)) for publisher in publishers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while relay_batch(district.registration.database, publishers[0], 20):
        pass
    assert sorted(i for publisher in publishers for i in publisher.taken) == sorted(ids)


def database_away() -> OperationalError:
    return OperationalError(
        "SELECT 1", {}, psycopg.OperationalError("server closed the connection")
    )


class Pauses(threading.Event):
    """A stop event that is set after so many waits. It notes their lengths and does not wait."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count, self.seconds = count, list[float]()

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout or 0)
        if len(self.seconds) == self.count:
            self.set()
        return self.is_set()


def test_a_missing_database_is_asked_once_a_second(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: Iterator[int | Exception] = iter([database_away(), database_away(), 0, 3, 0])

    def relay_batch(*_: Any) -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("shared.messaging.broker.relay.relay_batch", relay_batch)
    stop = Pauses(5)
    relay(district.registration.database, "memory://", stop)
    assert stop.seconds == pytest.approx([1, 1, 0.2, 0.05, 0.075])


def feed(district: District, after: str | None = None, **query: Any) -> Any:
    token = district.token("system", "reader", scopes="events:read events:*")
    query |= {"after": after} if after else {}
    return district.registration.call(
        "GET", "/v1/events/registration", as_=token, query_string=query
    ).get_json()


@pytest.mark.check("R5")
def test_the_feed_never_skips_a_late_commit(district: District) -> None:
    database = district.registration.database
    first = publish_some(district, 2)
    with database.session() as slow:
        (late,) = publish(slow, VolunteerActivated(volunteer_id=new_id()))
        hidden = publish_some(
            district, 2
        )  # committed, but behind a transaction that is still running
        page = feed(district)
        assert [UUID(e["id"]) for e in page["items"]] == first
        slow.commit()
    rest = feed(district, page["next"])
    assert {UUID(e["id"]) for e in rest["items"]} == {late, *hidden}
    assert feed(district, rest["next"])["items"] == []


def test_the_feed_goes_page_by_page(district: District) -> None:
    ids = publish_some(district, 25)
    seen, cursor = [], None
    while (page := feed(district, cursor, limit=10))["items"]:
        seen += [UUID(e["id"]) for e in page["items"]]
        cursor = page["next"]
    assert seen == ids


def test_a_cursor_of_another_epoch_starts_anew(district: District) -> None:
    from shared.http.paging import encode_cursor

    ids = publish_some(district, 2)
    page = feed(district, encode_cursor("another-1", 2**50, str(new_id())))
    assert [UUID(e["id"]) for e in page["items"]] == ids


@pytest.mark.parametrize(
    "cursor", ["x", "!!", "bnVsbA", "W10", "WzEsMiwzXQ", "a" * 400, "WyIiLCAtMSwgInh4Il0"]
)
def test_a_foreign_cursor_is_a_clear_422(district: District, cursor: str) -> None:
    token = district.token("staff")
    answer = district.registration.call(
        "GET", "/v1/events/registration", as_=token, query_string={"after": cursor}
    )
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["pointer"] == "/after"


def test_the_feed_shows_a_system_only_what_it_was_granted(district: District) -> None:
    publish_some(district, 2)
    for scopes, expected in (
        ("events:read", 0),
        ("events:read events:hours.recorded", 0),
        ("events:read events:volunteer.activated", 2),
    ):
        token = district.token("system", "other", scopes=scopes)
        answer = district.registration.call("GET", "/v1/events/registration", as_=token)
        assert len(answer.get_json()["items"]) == expected
    assert (
        district.registration.call(
            "GET", "/v1/events/registration", as_=district.token("volunteer")
        ).status_code
        == 403
    )


def test_a_restored_database_shows_rows_from_its_future(district: District) -> None:
    from shared.service.feed_api import new_epoch

    publish_some(district, 3)
    with district.registration.session() as session:
        session.execute(update(OutboxRow).values(txid=text("'99999999999'::xid8")))
    assert feed(district)["items"] == []
    with district.registration.session() as session:
        assert new_epoch(session) == 3
    assert len(feed(district)["items"]) == 3


def test_catch_up_takes_in_what_the_broker_lost_and_nothing_twice(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shared.service.catch_up import CatchUp

    listener = district.services[VolunteerActivated.handled_by[0]]
    received: list[UUID] = []
    monkeypatch.setitem(
        listener.inbox.handlers,
        VolunteerActivated,
        lambda _s, events: received.extend(event.volunteer_id for event in events),
    )
    ids = publish_some(district, 30)
    events = feed(district)["items"]
    listener.inbox.receive([Delivery(to_json(event)) for event in events[:10]])
    settings = listener.settings.model_copy(update={"catch_up_age_seconds": 0})
    catch_up = CatchUp(listener.database, listener.inbox, settings)
    monkeypatch.setattr(catch_up, "_fetch", lambda source, cursor: feed(district, cursor, limit=7))
    catch_up.read_feed("registration")
    assert len(received) == len(set(received)) == len(ids)
    young = CatchUp(listener.database, listener.inbox, listener.settings)
    monkeypatch.setattr(young, "_fetch", lambda source, cursor: feed(district, cursor))
    more = publish_some(district, 1)
    young.read_feed("registration")
    assert len(received) == len(ids), "a young event is left to the broker"
    catch_up.read_feed("registration")
    assert len(received) == len(ids) + len(more)


@pytest.mark.parametrize("broken", ["_cursor", "_save"])
@pytest.mark.parametrize(
    ("error", "logged"),
    [
        (database_away(), "catch-up put off"),
        (OperationalError("UPDATE", {}, psycopg.errors.LockNotAvailable()), "catch-up put off"),
        (ZeroDivisionError(), "catch-up failed"),
    ],
)
def test_catch_up_is_put_off_without_a_database(
    district: District, monkeypatch: pytest.MonkeyPatch, broken: str, error: Exception, logged: str
) -> None:
    from shared.service.catch_up import CatchUp

    def fail(*_: Any) -> None:
        raise error

    publish_some(district)
    listener = district.services[VolunteerActivated.handled_by[0]]
    catch_up = CatchUp(
        listener.database,
        listener.inbox,
        listener.settings.model_copy(update={"catch_up_age_seconds": 0}),
    )
    catch_up.sources = {"registration": [VolunteerActivated.type]}
    monkeypatch.setattr(catch_up, "_fetch", lambda source, cursor: feed(district, cursor))
    monkeypatch.setattr(catch_up, broken, fail)
    with capture_logs() as logs:
        catch_up.run(Pauses(1))
    (entry,) = [entry for entry in logs if entry["event"].startswith("catch-up")]
    assert entry["event"] == logged
    assert bool(entry.get("exc_info")) == (logged == "catch-up failed")
