"""A restore while RabbitMQ keeps its queues: nothing of the discarded future takes effect."""

from pathlib import Path

import pytest

from devkit.installation import Installation, wait_until
from devkit.testkit import District
from shared.messaging.broker.connection import connect
from tests.support.discarded_future import DiscardedFuture

REASON = "starts processes, restores and starts them again"


def waiting(url: str) -> int:
    with connect(url) as connection:
        declared = connection.channel().queue_declare("rewards.events", passive=True)
        count: int = declared.message_count
        return count


@pytest.mark.long(reason=REASON)
def test_the_epoch_alone_refuses_events_of_the_discarded_future(
    installation: Installation, quiet_district: District, broker_url: str, tmp_path: Path
) -> None:
    future = DiscardedFuture(installation, quiet_district, tmp_path / "backup", 16)
    future.lose_a_future()
    future.restore("--keep-broker")
    assert waiting(broker_url) >= 16

    future.start()
    wait_until(lambda: waiting(broker_url) == 0, 30, "the old events were not taken away")

    assert future.counts() == (0, 0)
    assert installation.logged("events of another epoch refused") > 0
    future.check_that_nothing_came_of_it()


@pytest.mark.faults
@pytest.mark.long(reason=REASON)
def test_a_restore_empties_the_broker(
    installation: Installation, quiet_district: District, broker_url: str, tmp_path: Path
) -> None:
    future = DiscardedFuture(installation, quiet_district, tmp_path / "backup", 16)
    future.lose_a_future()

    assert "messages removed" in future.restore()

    assert waiting(broker_url) == 0
    future.start()
    future.check_that_nothing_came_of_it()
    assert installation.logged("events of another epoch refused") == 0
