"""Nothing is lost and nothing counts twice, whatever breaks: about 25 minutes on two cores.

`make test-faults`; `WISHTREE_FAULT_SEED` repeats a schedule. The result is read from outside. A run
is void, which is a failure too, unless messages were redelivered, publishing failed, and all faults
fell inside the load.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from devkit.local.binaries import MissingBinary, find_rabbitmq
from devkit.local.place import Mode
from tests.faults import schedule
from tests.faults.crowd import Crowd
from tests.faults.oracle import Verdict, verdict_of
from tests.faults.stage import Stage, fault_seed, seconds

CATCH_UP_AGE = 20


@pytest.fixture(scope="module")
def seed() -> int:
    seed = fault_seed()
    print(f"\nWISHTREE_FAULT_SEED={seed}")
    return seed


@contextmanager
def playing(mode: Mode, folder: Path, **options: Any) -> Iterator[tuple[Stage, Crowd]]:
    stage = Stage(mode, folder, **options)
    with ExitStack() as ending:
        ending.callback(stage.stop)
        stage.start()
        crowd = Crowd(stage)
        ending.callback(crowd.abandon)
        crowd.begin()
        yield stage, crowd


def needs_rabbitmq() -> None:
    try:
        find_rabbitmq()
    except MissingBinary as error:
        pytest.skip(f"NOT TESTED without RabbitMQ: {error}")


def assert_not_void(verdict: Verdict) -> None:
    assert verdict.redelivered > 0, "void: nothing was redelivered"
    assert verdict.publish_errors > 0, "void: publishing never failed"


@pytest.mark.check("R1", "R2", "R3", "R6", "R7", "L8")
@pytest.mark.timeout(2400)
@pytest.mark.long(reason="35 faults")
def test_rabbitmq_loses_nothing_and_doubles_nothing(folder: Path, seed: int) -> None:
    """Without catch-up, which would repair what a fault lost."""
    needs_rabbitmq()
    with playing("real", folder) as (stage, crowd):
        schedule.play(stage, crowd, schedule.on_rabbitmq(), seed)
        crowd.end(seconds(120))
        assert_not_void(verdict_of(stage, crowd))


@pytest.mark.check("R9")
@pytest.mark.timeout(1200)
@pytest.mark.long(reason="4 faults, each followed by a catch-up")
def test_what_a_broker_loses_is_caught_up(folder: Path, seed: int) -> None:
    needs_rabbitmq()
    with playing("real", folder, catch_up_age=CATCH_UP_AGE) as (stage, crowd):
        schedule.play(stage, crowd, schedule.what_a_broker_loses(), seed)
        crowd.end(seconds(120))
        verdict = verdict_of(stage, crowd, CATCH_UP_AGE)
        assert verdict.recovered > 0, "void: nothing had to be caught up"


@pytest.mark.check("R1", "R3", "R9")
@pytest.mark.timeout(1800)
@pytest.mark.long(reason="20 faults")
def test_embedded_loses_nothing_and_doubles_nothing(folder: Path, seed: int) -> None:
    """Valkey may lose messages, so catch-up is on."""
    with playing("embedded", folder, catch_up_age=CATCH_UP_AGE) as (stage, crowd):
        schedule.play(stage, crowd, schedule.embedded(), seed)
        crowd.end(seconds(120))
        verdict_of(stage, crowd, CATCH_UP_AGE)
