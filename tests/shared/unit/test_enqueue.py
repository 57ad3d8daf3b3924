"""A kick is a hint and does not outlive the sweep that would do its work."""

from celery import Celery

from shared.jobs.enqueue import KICK_SECONDS, _send


def test_a_kick_expires_at_the_broker() -> None:
    app = Celery(broker="memory://", set_as_current=False)
    _send(app, "notify.send_due", (), None)
    with app.connection() as connection:
        kick = connection.SimpleQueue(app.conf.task_default_queue).get(block=False)
        assert kick.headers["expires"] is not None
        assert int(kick.properties["expiration"]) == KICK_SECONDS * 1000
