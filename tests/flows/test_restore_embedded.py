"""A restore while Valkey keeps its lists: nothing of the discarded future takes effect."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.installation import Installation, wait_until
from devkit.local.servers import ValkeyServer
from devkit.testkit import District, PrivatePostgres, environment, migrate_all
from shared.messaging.broker.connection import connect
from tests.support.discarded_future import DiscardedFuture


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    folder = Path(tempfile.mkdtemp(prefix="wishtree-vk-"))
    server = ValkeyServer(folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def future(
    postgres: PrivatePostgres, valkey: ValkeyServer, tmp_path: Path
) -> Iterator[DiscardedFuture]:
    owner_url, name = postgres.create_database()
    env = environment(owner_url, name, WISHTREE_BROKER_URL=valkey.url())
    migrate_all(env)
    running = Installation(env)
    yield DiscardedFuture(running, District(env), tmp_path / "backup", 16)
    running.stop()
    postgres.drop_database(name)


def waiting(url: str) -> int:
    with connect(url) as connection:
        count: int = connection.channel().client.llen("rewards.events")
        return count


@pytest.mark.long(reason="starts processes, restores and starts them again")
@pytest.mark.parametrize(
    "options",
    [pytest.param(("--keep-broker",), marks=pytest.mark.faults), ()],
    ids=["epoch alone", "emptied"],
)
def test_events_of_the_discarded_future_take_no_effect(
    future: DiscardedFuture, valkey: ValkeyServer, options: tuple[str, ...]
) -> None:
    future.lose_a_future()
    future.restore(*options)
    kept = waiting(valkey.url())
    assert kept >= 15 if options else kept == 0  # the frozen bus may have had one in its hand

    future.start()
    if options:
        refused = "events of another epoch refused"
        wait_until(lambda: future.installation.logged(refused) > 0, 30, "nothing was refused")
        wait_until(lambda: waiting(valkey.url()) == 0, 30, "the old events were not taken away")
    future.check_that_nothing_came_of_it()
