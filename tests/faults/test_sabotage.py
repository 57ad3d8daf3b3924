"""The fault suite is red when a guard is switched off: `make test-faults-sabotage`.

Each sabotage plays the few faults that it should not survive.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults import schedule
from tests.faults.faults import (
    Fault,
    KillTree,
    KillWithWorkInHand,
    QueuePurged,
    Reset,
)
from tests.faults.oracle import verdict_of
from tests.faults.stage import fault_seed
from tests.faults.test_faults import CATCH_UP_AGE, needs_rabbitmq, playing

IN_HAND = [
    KillWithWorkInHand("bus-rewards", "rewards.transfers"),
    KillWithWorkInHand("bus-notify", "notify.alerts"),
]
BROKER = [KillTree("RabbitMQ"), KillTree("RabbitMQ")]
CASES: dict[str, Sequence[Fault]] = {
    "none": [*IN_HAND, *BROKER],
    "ack_early": IN_HAND,
    "confirms_off": BROKER,
    "mark_before_confirm": BROKER,
    "no_inbox": [Reset("broker"), *IN_HAND, Reset("broker"), KillTree("RabbitMQ")],
    "no_reconnection": [Reset("broker")],
    "no_catch_up": [QueuePurged()],
}


@pytest.mark.timeout(900)
@pytest.mark.long(reason="an installation starts, two faults, a verdict")
@pytest.mark.parametrize("sabotage", CASES)
def test_the_suite_is_red_under_each_sabotage(folder: Path, sabotage: str) -> None:
    needs_rabbitmq()
    wrong = ""
    try:
        play(folder, sabotage)
    except AssertionError as error:
        wrong = str(error)
    print(f"{sabotage}: {wrong[:600] or 'green'}")
    assert bool(wrong) == (sabotage != "none")
    assert "void" not in wrong


def play(folder: Path, sabotage: str) -> None:
    age = {"catch_up_age": CATCH_UP_AGE} if sabotage == "no_catch_up" else {}
    name = None if sabotage == "none" else sabotage
    with playing("real", folder, sabotage=name, flow_limit=40, **age) as (stage, crowd):
        schedule.play(stage, crowd, CASES[sabotage], fault_seed())
        crowd.end(120)
        verdict_of(stage, crowd, age.get("catch_up_age"))
