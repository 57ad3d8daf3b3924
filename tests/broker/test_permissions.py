"""The generated broker users: each service can do its work and publish no event of another."""

import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from amqp.exceptions import AccessRefused
from kombu import Connection, Exchange, Producer

from console.services import definitions_of
from devkit.installation import Installation, wait_until
from devkit.local.servers import RabbitServer
from devkit.testkit import District
from shared import SERVICES
from shared.contracts.registration import VolunteerActivated
from shared.core.ids import new_id
from shared.core.settings import Settings
from shared.jobs.celery import make_celery
from shared.messaging.broker.connection import connect
from shared.messaging.broker.topology import EVENTS, declare_topology, queues
from shared.messaging.outbox import publish

ROOT = Path(__file__).parents[2]
TASKS = Exchange("wishtree.tasks", type="topic")


@pytest.fixture(scope="module")
def urls(rabbit: RabbitServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The broker URL of each user, after `deploy/make-secrets`."""
    folder = tmp_path_factory.mktemp("secrets")
    subprocess.run(
        [sys.executable, ROOT / "deploy" / "make-secrets", folder], check=True, capture_output=True
    )
    rabbit.ctl("import_definitions", str(folder / "rabbitmq_definitions"))
    passwords = {
        name: urlsplit((folder / f"{name}_broker_url").read_text()).password
        for name in (*SERVICES, "beat")
    }
    return {
        name: f"amqp://{name}:{word}@127.0.0.1:{rabbit.port}//" for name, word in passwords.items()
    }


def publish_raw(connection: Connection, key: str, exchange: Exchange = EVENTS) -> None:
    """Publish and wait for the broker's answer; a refusal closes the channel."""
    with connection.channel() as channel:
        channel.confirm_select()
        Producer(channel, exchange=exchange, auto_declare=False).publish(b"{}", routing_key=key)
        exchange(channel).declare(passive=True)


@pytest.mark.check("R9", "S9")
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_declares_everything_and_publishes_only_its_own(
    urls: dict[str, str], service: str
) -> None:
    with connect(urls[service]) as connection:
        declare_topology(connection)
        publish_raw(connection, f"{service}.an.event")
    for other in set(SERVICES) - {service}:
        with connect(urls[service]) as connection, pytest.raises(AccessRefused):
            publish_raw(connection, f"{other}.an.event")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reads_its_own_queue(urls: dict[str, str], service: str) -> None:
    with connect(urls[service]) as connection, connection.channel() as channel:
        declare_topology(connection)
        events, dead = queues(service, amqp=True)
        assert dead is not None
        for queue in (events, dead):
            queue(channel).get()


def test_beat_may_start_jobs_of_all_and_publish_no_event(urls: dict[str, str]) -> None:
    settings = Settings.read(
        broker_url=urls["beat"], database_url="postgresql://nobody@127.0.0.1:1/none"
    )
    definitions_of(SERVICES)
    app = make_celery(SERVICES, settings)
    for service in SERVICES:
        app.send_task(f"{service}.nothing", retry=False)
    with connect(urls["rewards"]) as connection:
        declare_topology(connection)
    with connect(urls["beat"]) as connection, pytest.raises(AccessRefused):
        publish_raw(connection, "rewards.an.event")


@pytest.mark.check("S9")
def test_a_service_starts_no_job_of_another(urls: dict[str, str]) -> None:
    with connect(urls["rewards"]) as connection:
        TASKS(connection.default_channel).declare()
        publish_raw(connection, "rewards.tasks", TASKS)
        with pytest.raises(AccessRefused):
            publish_raw(connection, "notify.tasks", TASKS)


@pytest.mark.long(reason="beat's first job is due after 5 s")
def test_the_processes_work_with_their_restricted_users(
    urls: dict[str, str], installation: Installation, quiet_district: District
) -> None:
    def start(user: str, *command: str) -> None:
        installation.env["WISHTREE_BROKER_URL"] = urls[user]
        installation.start(*command)

    start("registration", "bus", "registration")
    start("notify", "worker", "notify")
    start("beat", "beat")
    with quiet_district.registration.session() as session:
        publish(session, VolunteerActivated(volunteer_id=new_id()))

    wait_until(lambda: installation.unpublished() == 0, 30, "the event was not published")
    wait_until(
        lambda: installation.one("SELECT count(*) FROM notify.job_runs") > 0, 60, "no job was run"
    )
    assert installation.logged("ACCESS_REFUSED") == 0
    for name in list(installation.processes):
        assert installation.terminate(name) < 25
