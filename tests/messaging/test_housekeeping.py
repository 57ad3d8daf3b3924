"""How long rows are kept: published events 30 days, inbox rows 45, unpublished events for ever."""

import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from devkit.testkit import District
from shared.core import clock
from shared.core.ids import oldest_id_of
from shared.db.engine import using
from shared.jobs.periodic import work_off
from shared.messaging.inbox import InboxRow
from shared.messaging.outbox import OutboxRow
from shared.service.housekeeping import forget_published, forget_received


def old_ids(days: int, count: int) -> list[UUID]:
    first = oldest_id_of(clock.now() - timedelta(days=days)).int
    return [UUID(int=first + number) for number in range(count)]


def count(district: District, model: type) -> int:
    with district.wishes.session() as session:
        return session.scalars(select(func.count()).select_from(model)).one()


def insert_rows(district: District) -> None:
    common = {"type": "wish.claimed", "version": 1, "subject": "x", "data": "{}"}
    published = [
        {"id": id_, "published_at": clock.now(), **common}
        for id_ in old_ids(31, 5) + old_ids(29, 2)
    ]
    unpublished = [{"id": id_, "published_at": None, **common} for id_ in old_ids(60, 2)]
    received = [{"event_id": id_} for id_ in old_ids(46, 4) + old_ids(44, 3)]
    with district.wishes.session() as session:
        session.execute(insert(OutboxRow), published)
        session.execute(insert(OutboxRow), unpublished)
        session.execute(insert(InboxRow), received)


@pytest.mark.check("P3")
@pytest.mark.parametrize(
    ("forget", "batches"), [(forget_published, [3, 2]), (forget_received, [3, 1])]
)
def test_old_rows_go_in_batches_and_young_or_unpublished_ones_stay(
    district: District, forget: Callable[[Session, int], int], batches: list[int]
) -> None:
    insert_rows(district)
    done: list[int] = []

    def forget_and_note(session: Session, limit: int) -> int:
        done.append(forget(session, limit))
        return done[-1]

    with using(district.wishes.database):
        work_off(forget_and_note, 3)
    assert done == batches
    kept = {forget_published: (4, 7), forget_received: (9, 3)}[forget]
    assert (count(district, OutboxRow), count(district, InboxRow)) == kept


def test_a_job_with_a_limit_of_time_leaves_the_rest_to_its_next_run(district: District) -> None:
    def always_more(_session: Session, limit: int) -> int:
        time.sleep(0.02)
        return limit

    started = time.monotonic()
    with using(district.wishes.database):
        work_off(always_more, 3, seconds=0.1)
    assert time.monotonic() - started < 2
