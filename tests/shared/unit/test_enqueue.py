"""A kick is a hint and does not outlive the sweep that would do its work."""

from celery import Celery

from shared.jobs.enqueue import ENQUEUED_SECONDS, _send


def test_a_kick_expires_at_the_broker() -> None:
    app = Celery(broker="memory://", set_as_current=False)
    _send(app, "notify.send_due", (), None)
    with app.connection() as connection:
        enqueue = connection.SimpleQueue(app.conf.task_default_queue).get(block=False)
        assert enqueue.headers["expires"] is not None
        assert int(enqueue.properties["expiration"]) == ENQUEUED_SECONDS * 1000
