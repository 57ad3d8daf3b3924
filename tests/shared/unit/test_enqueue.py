"""An enqueued job does not outlive the sweep that would do its work."""

from celery import Celery

from shared.jobs.enqueue import EXPIRES_SECONDS, _send


def test_an_enqueued_job_expires_at_the_broker() -> None:
    app = Celery(broker="memory://", set_as_current=False)
    _send(app, "notify.send_due", (), None)
    with app.connection() as connection:
        message = connection.SimpleQueue(app.conf.task_default_queue).get(block=False)
        assert message.headers["expires"] is not None
        assert int(message.properties["expiration"]) == EXPIRES_SECONDS * 1000
