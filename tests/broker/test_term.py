"""SIGTERM ends every process of ours within 5 s, and a fault that is over is forgotten within 15 s.

All roles run, with requests, events and jobs in hand, when the fault comes.
"""

import time
from contextlib import nullcontext

import pytest

from devkit.installation import Installation, wait_until
from devkit.testkit import PrivatePostgres
from shared.contracts.registration import VolunteerActivated
from tests.support.all_roles import (
    Fault,
    Running,
    backends_terminated,
    broker_frozen,
    broker_full,
    database_frozen,
    everything_frozen,
    hung_upstream,
    table_lock,
)
from tests.support.time_limit import crowding

MOST_SECONDS_TO_END = 5
MOST_SECONDS_TO_RESUME = 15
STUCK_SECONDS = 2  #: by then threads wait for what does not answer
FAULT_SECONDS = 20
HANDLER = VolunteerActivated.handled_by[0]


@pytest.fixture
def running(installation: Installation, postgres: PrivatePostgres) -> Running:
    if postgres.server is None:
        pytest.skip("NOT TESTED: another's PostgreSQL cannot be frozen")
    return Running(installation, postgres)


def assert_ends(running: Running, fault: Fault) -> None:
    with running.busy(), fault(running):
        time.sleep(STUCK_SECONDS)
        took = running.terminate_all()
    most = MOST_SECONDS_TO_END * crowding()
    late = {name: seconds for name, seconds in took.items() if seconds > most}
    assert not late, f"after {most:.1f} s"


@pytest.mark.check("L1")
@pytest.mark.long(reason="eight processes are started")
def test_every_process_ends_while_database_and_broker_are_frozen(running: Running) -> None:
    assert_ends(running, everything_frozen)


@pytest.mark.check("L1")
@pytest.mark.faults
@pytest.mark.parametrize(
    "fault",
    [
        *(database_frozen, broker_frozen, broker_full, table_lock, hung_upstream),
        lambda _: nullcontext(),
    ],
    ids=[
        *("database frozen", "broker frozen", "broker full", "tables locked", "upstream hung"),
        "nothing",
    ],
)
def test_every_process_ends_under_any_fault(running: Running, fault: Fault) -> None:
    assert_ends(running, fault)


@pytest.mark.faults
@pytest.mark.check("R6")
@pytest.mark.parametrize(
    "fault",
    [database_frozen, broker_frozen, broker_full, table_lock, backends_terminated],
    ids=[
        *("database frozen", "broker frozen", "broker full", "tables locked"),
        "backends terminated",
    ],
)
def test_the_bus_goes_on_by_itself_after_a_fault(running: Running, fault: Fault) -> None:
    installation = running.installation
    running.publish(200)
    with fault(running):
        time.sleep(FAULT_SECONDS)
    running.publish(200)
    received = f"SELECT count(*) FROM {HANDLER}.inbox"
    seconds = wait_until(
        lambda: installation.one(received) >= 400 and installation.unpublished() == 0,
        MOST_SECONDS_TO_RESUME * crowding(),
        lambda: f"{installation.one(received)} of 400 received: {installation.log('bus')[-3000:]}",
    )
    print(f"went on after {seconds:.1f} s")  # noqa: T201 - a measurement
    assert installation.one(f"SELECT count(*) FROM {HANDLER}.dead_letters") == 0
    assert installation.logged("Traceback") == 0
    assert installation.processes["bus"].poll() is None
