"""A private RabbitMQ per test session, a vhost per test; real processes of ours in front of it."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.installation import Installation
from devkit.local.binaries import MissingBinary, find_rabbitmq
from devkit.local.servers import RabbitServer
from devkit.testkit import District, PrivatePostgres, environment, migrate_all


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks for groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/broker" in str(item.path):
            item.add_marker(pytest.mark.rabbitmq)
            item.add_marker(pytest.mark.xdist_group("broker"))


@pytest.fixture(scope="session")
def rabbit() -> Iterator[RabbitServer]:
    try:
        find_rabbitmq()
    except MissingBinary as error:
        pytest.skip(f"NOT TESTED without RabbitMQ: {error}")
    folder = Path(tempfile.mkdtemp(prefix="wishtree-mq-"))
    server = RabbitServer(folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def broker_url(rabbit: RabbitServer) -> str:
    """A vhost of one's own."""
    if not rabbit.running:
        rabbit.start()
    return rabbit.vhost(f"test-{secrets.token_hex(4)}")


@pytest.fixture
def installation(
    postgres: PrivatePostgres, rabbit: RabbitServer, broker_url: str
) -> Iterator[Installation]:
    """A database of its own, the broker, and nothing started yet."""
    owner_url, name = postgres.create_database()
    env = environment(owner_url, name, WISHTREE_BROKER_URL=broker_url)
    migrate_all(env)
    running = Installation(env, rabbit)
    yield running
    running.stop()
    postgres.drop_database(name)


@pytest.fixture
def quiet_district(installation: Installation) -> District:
    """The apps in this process over the installation's database, for looking and for setting up."""
    return District(installation.env)
