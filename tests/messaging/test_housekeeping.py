"""What is kept how long: the feed 30 days, the inbox 45; what was never published is kept until it
is.
"""

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select

from devkit.testkit import District
from shared.core import clock
from shared.core.ids import oldest_id_of
from shared.messaging.inbox import InboxRow
from shared.messaging.outbox import OutboxRow
from shared.service import housekeeping
from shared.service.housekeeping import forget_heard, forget_once, forget_published


def old_ids(days: int, n: int) -> list[object]:
    from uuid import UUID

    return [UUID(int=oldest_id_of(clock.now() - timedelta(days=days)).int + i) for i in range(n)]


def count(district: District, model: type) -> int:
    with district.wishes.session() as session:
        return session.scalars(select(func.count()).select_from(model)).one()


def test_old_rows_go_in_batches_and_young_or_unpublished_ones_stay(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "BATCH", 3)
    common = {"type": "wish.claimed", "version": 1, "subject": "x", "data": "{}"}
    with district.wishes.session() as session:
        published = [
            {"id": i, "published_at": clock.now(), **common}
            for i in old_ids(31, 5) + old_ids(29, 2)
        ]
        session.execute(insert(OutboxRow), published)
        session.execute(
            insert(OutboxRow), [{"id": i, "published_at": None, **common} for i in old_ids(60, 2)]
        )
        session.execute(
            insert(InboxRow), [{"event_id": i} for i in old_ids(46, 4) + old_ids(44, 3)]
        )
    from shared.db.engine import using

    with using(district.wishes.database):
        assert [forget_once(forget_published) for _ in range(3)] == [3, 2, 0]
        assert [forget_once(forget_heard) for _ in range(3)] == [3, 1, 0]
    assert count(district, OutboxRow) == 4
    assert count(district, InboxRow) == 3
