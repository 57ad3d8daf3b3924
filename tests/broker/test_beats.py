"""Two beats run, and are killed in turn: each periodic job runs once a period."""

import time
from itertools import pairwise

import pytest

from devkit.installation import Installation, wait_until

JOB, EVERY_SECONDS = "notify.deliver_due", 5
RUNS = "SELECT count(*) FROM notify.job_runs WHERE name = %s"
PERIODS = "SELECT period FROM notify.job_runs WHERE name = %s ORDER BY period"


@pytest.mark.faults
@pytest.mark.check("R10")
@pytest.mark.long(reason="four periods of five seconds, and three kills")
def test_a_job_runs_once_a_period_while_beats_are_killed(installation: Installation) -> None:
    installation.start("worker", "notify")
    for name in ("beat-1", "beat-2"):
        installation.start("beat", name=name)
    for victim in ("beat-1", "beat-2", "beat-1"):
        before = installation.one(RUNS, JOB)
        wait_until(lambda n=before: installation.one(RUNS, JOB) > n, 60, "no job was run")
        installation.kill(victim)
        installation.start("beat", name=victim)
    before = installation.one(RUNS, JOB)
    wait_until(lambda: installation.one(RUNS, JOB) > before + 1, 60, "no job was run")
    for name in ("beat-1", "beat-2"):
        installation.kill(name)
    time.sleep(2)  # the worker finishes what was sent
    log = installation.log("worker-notify")
    received, done = (count(log, word) for word in ("received", "succeeded"))
    periods = [row[0] for row in installation.query(PERIODS, JOB)]
    assert received > len(periods), "void: the second beat sent nothing"
    assert done == len(periods)
    gaps = [later - earlier for earlier, later in pairwise(periods)]
    assert max(gaps) <= 3, f"a job was late by more than two periods: {periods}"


def count(log: str, word: str) -> int:
    """How many lines of the worker say this of the job."""
    return sum(f"Task {JOB}[" in row and word in row for row in log.splitlines())
