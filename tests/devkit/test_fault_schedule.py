"""A seed decides the order of the faults, their lengths and their victims. Nothing is started."""

from collections.abc import Callable
from random import Random
from typing import cast

import pytest

from tests.faults import schedule
from tests.faults.crowd import Crowd
from tests.faults.faults import Fault
from tests.faults.stage import Stage


class Idle:
    """Stands for a stage and a crowd."""

    is_working = True
    failures: tuple[()] = ()

    def wait_until_events_flow(self, _after: str) -> float:
        return 0


class Noted(Fault):
    lasts = (5, 40)

    def __init__(self, number: int, notes: list[object]) -> None:
        self.number, self.notes = number, notes

    def begin(self, stage: Stage, rng: Random) -> None:
        self.notes.append((self.number, rng.random()))


@pytest.mark.parametrize("faults", [schedule.on_rabbitmq, schedule.embedded])
def test_every_fault_has_a_name_of_its_own(faults: Callable[[], list[Fault]]) -> None:
    names = [fault.name for fault in faults()]
    assert len(set(names)) == len(names)


def test_the_same_seed_gives_the_same_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    first, again, other = (played(seed, monkeypatch) for seed in (7, 7, 8))
    assert first == again
    assert first != other
    assert len(first) == 2 * 10


def played(seed: int, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Who was hit in which order, with what luck, for how long."""
    notes: list[object] = []
    monkeypatch.setattr("tests.faults.schedule.time.sleep", notes.append)
    idle = Idle()
    faults = [Noted(number, notes) for number in range(10)]
    schedule.play(cast(Stage, idle), cast(Crowd, idle), faults, seed)
    return notes
