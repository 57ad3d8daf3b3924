"""Outbox and inbox under a crowd: late commits, several relays, poison among the good."""

import json
import random
import threading
import time
from uuid import UUID

import pytest
from sqlalchemy import select, text

from devkit.testkit import District
from shared.contracts.registration import VolunteerActivated
from shared.core.ids import new_id
from shared.messaging.attempts import MAX_ATTEMPTS, Attempt, DeadLetter, replay
from shared.messaging.broker.relay import relay_batch
from shared.messaging.inbox import Delivery
from shared.messaging.outbox import publish
from tests.messaging.test_inbox import Receiver, activated, publish_and_take
from tests.messaging.test_outbox_and_feed import StubPublisher, unpublished
from tests.support.fault_seed import fault_seed

PAIRS, WRITERS, RELAYS = 200, 3, 3  #: a writer holds two of the ten connections, a relay one
GOOD, POISON = 1000, 100


@pytest.mark.faults
@pytest.mark.check("R5")
@pytest.mark.long(reason="two hundred transactions that stay open for a while")
def test_late_commits_are_published_once_by_three_relays(district: District) -> None:
    """The first of each pair takes its number first and commits last."""
    chance, written, lock = random.Random(fault_seed()), list[UUID](), threading.Lock()
    delays = [chance.uniform(0.02, 0.2) for _ in range(PAIRS)]
    publishers, over = [StubPublisher() for _ in range(RELAYS)], threading.Event()
    late_first = 0

    def write(number: int) -> None:
        nonlocal late_first
        for pair in range(number, PAIRS, WRITERS):
            with district.registration.database.session() as slow:
                (late,) = publish(slow, VolunteerActivated(volunteer_id=new_id()))
                with district.registration.session() as quick:
                    (early,) = publish(quick, VolunteerActivated(volunteer_id=new_id()))
                time.sleep(delays[pair])
                taken_before = any(early in publisher.taken for publisher in publishers)
                slow.commit()
            with lock:
                written.extend((late, early))
                late_first += taken_before

    def relay(publisher: StubPublisher) -> None:
        while not over.is_set() or unpublished(district):
            relay_batch(district.registration.database, publisher, 20)

    writers = [threading.Thread(target=write, args=(n,)) for n in range(WRITERS)]
    relays = [threading.Thread(target=relay, args=(publisher,)) for publisher in publishers]
    for thread in (*writers, *relays):
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    for thread in relays:
        thread.join()
    taken = [event_id for publisher in publishers for event_id in publisher.taken]
    assert late_first > PAIRS / 2, "void: the later row was not published before the lower one"
    assert sum(bool(publisher.taken) for publisher in publishers) > 1, "void: one relay did it all"
    assert len(taken) == 2 * PAIRS
    assert set(taken) == set(written)


def effects(receiver: Receiver) -> set[str]:
    """Whose events took effect. None took effect twice."""
    with receiver.member.session() as session:
        rows = session.execute(text("SELECT name, count(*) FROM job_runs GROUP BY name")).all()
    assert {count for _, count in rows} == {1}
    return {name for name, _ in rows}


def spoilt(kind: int, good: Delivery) -> Delivery:
    """One of four kinds of messages that nobody can read."""
    body = json.loads(good.body)
    body["id"] = str(new_id())
    match kind:
        case 0:
            return Delivery(b"{" + str(body["id"]).encode())
        case 1:
            return Delivery(json.dumps(body | {"dataschema": "/events/x/y.z/v77"}).encode())
        case 2:
            return Delivery(json.dumps(body | {"data": {"volunteer_id": 5}}).encode())
        case _:
            return Delivery(b"\x00\xff" * 1000)


@pytest.mark.faults
@pytest.mark.check("R8")
@pytest.mark.long(reason="eleven hundred messages")
def test_a_hundred_poisoned_among_a_thousand_become_dead_letters_and_a_replay_works_once(
    district: District,
) -> None:
    """Half of the poison cannot be read, half raises until its cause is mended."""
    receiver, chance = Receiver(district), random.Random(fault_seed())
    good, raising = activated(GOOD), activated(POISON // 2)
    receiver.fail_on = {event.volunteer_id for event in raising}
    deliveries = publish_and_take(district, *good, *raising)
    deliveries += [spoilt(number % 4, deliveries[0]) for number in range(POISON // 2)]
    chance.shuffle(deliveries)
    for first in range(0, len(deliveries), 100):
        receiver.inbox.receive(deliveries[first : first + 100])
    assert receiver.count(Attempt) == len(raising)
    for _ in range(MAX_ATTEMPTS - 1):
        receiver.make_due()
        while receiver.inbox.retry_due():
            pass
    assert receiver.count(DeadLetter) == POISON
    assert receiver.count(Attempt) == 0
    assert effects(receiver) == {str(event.volunteer_id) for event in good}

    receiver.fail_on = set()
    with receiver.member.session() as session:
        failed = select(DeadLetter).where(DeadLetter.reason == "failed")
        letters = session.scalars(failed).all()
        assert len(letters) == len(raising)
        for letter in letters:
            replay(session, letter)
    for _ in range(2):
        receiver.make_due()
        while receiver.inbox.retry_due():
            pass
    assert effects(receiver) == {str(event.volunteer_id) for event in (*good, *raising)}
