"""Enqueueing: a job does not outlive its sweep, and a broker that hangs does not hang the bus."""

import time
from typing import Any

import pytest
from celery import Celery

from shared.jobs.enqueue import EXPIRES_SECONDS, _send


def test_an_enqueued_job_expires_at_the_broker() -> None:
    app = Celery(broker="memory://", set_as_current=False)
    _send(app, "notify.send_due", (), None)
    with app.connection() as connection:
        message = connection.SimpleQueue(app.conf.task_default_queue).get(block=False)
        assert message.headers["expires"] is not None
        assert int(message.properties["expiration"]) == EXPIRES_SECONDS * 1000


class FailingApp(Celery):
    """Fails to send after some seconds, and counts the tries."""

    seconds = 0.0
    tries = 0

    def send_task(self, *_args: Any, **_options: Any) -> None:
        self.tries += 1
        time.sleep(self.seconds)
        raise OSError("the broker takes nothing")


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> FailingApp:
    monkeypatch.setattr("shared.jobs.enqueue._paused_until", 0.0)
    monkeypatch.setattr("shared.jobs.enqueue.SLOW_SECONDS", 0.1)
    return FailingApp(broker="memory://", set_as_current=False)


def test_a_broker_that_takes_nothing_holds_a_batch_up_once(app: FailingApp) -> None:
    app.seconds = 0.2
    for number in range(100):
        _send(app, "notify.send_due", (number,), None)
    assert app.tries == 1


def test_a_connection_that_broke_costs_one_job_and_no_pause(app: FailingApp) -> None:
    for number in range(5):
        _send(app, "notify.send_due", (number,), None)
    assert app.tries == 5
