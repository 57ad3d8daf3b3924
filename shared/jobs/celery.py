"""Celery for jobs: one service's own work, named `service.verb_noun`, with ids as arguments.

The row in the database decides what is due. So a lost message does no harm: a sweep finds the row.
Events do not travel here (see `shared.messaging`). Many settings avoid known failures of Celery;
the line says which.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from kombu import Exchange, Queue

from shared.core.logs import configure_logs
from shared.core.settings import Settings
from shared.db.engine import Database
from shared.jobs.periodic import SCHEDULE, databases
from shared.messaging.broker.topology import is_amqp

COMMON: Mapping[str, object] = {
    "task_create_missing_queues": False,
    "task_acks_late": True,  # a kill must not lose the message (default acks before running)
    "task_reject_on_worker_lost": True,  # else acks_late still acks a killed child's message
    "task_ignore_result": True,
    "task_serializer": "json",
    "accept_content": ["json"],
    "task_time_limit": 300,  # far below RabbitMQ's 30-minute acknowledgement limit
    "task_soft_time_limit": 240,
    "worker_prefetch_multiplier": 1,
    "worker_send_task_events": False,
    "worker_enable_remote_control": False,  # RabbitMQ 4 gives up the kind of queues it needs
    # Else a job goes on here and, redelivered, runs elsewhere too.
    "worker_cancel_long_running_tasks_on_connection_loss": True,
    "worker_soft_shutdown_timeout": 3,  # the process ends hard a little later
    "worker_hijack_root_logger": False,
    "broker_connection_timeout": 3,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,  # the default gives up after 100
    "broker_pool_acquire_timeout": 5,
    "beat_max_loop_interval": 1,
    "timezone": "UTC",
}
AMQP_ONLY: Mapping[str, object] = {
    "broker_heartbeat": 15,  # the default notices a hung broker after minutes
    # The timeouts of the socket are for a broker that is frozen or whose memory is full: py-amqp
    # waits for ever.
    "broker_transport_options": {
        "confirm_publish": True,
        "confirm_timeout": 5,
        "read_timeout": 10,
        "write_timeout": 5,
    },
}
EMBEDDED_ONLY: Mapping[str, object] = {
    "broker_heartbeat": None,
    "broker_transport_options": {"visibility_timeout": 600, "socket_timeout": 30},
}


def make_celery(services: Iterable[str], settings: Settings) -> Celery:
    """The Celery app of one service, or of all four in compact mode.

    Their task modules must have been imported.
    """
    services = tuple(services)
    app = Celery("wishtree", set_as_current=True)
    amqp = is_amqp(settings.broker_url)
    app.conf.update(
        broker_url=settings.broker_url,
        task_queues=[_task_queue(service, amqp) for service in services],
        task_default_queue=f"{services[0]}.tasks",
        task_routes=({f"{service}.*": {"queue": f"{service}.tasks"} for service in services},),
        beat_schedule=_beat_schedule(services),
        **COMMON,
        **(AMQP_ONLY if amqp else EMBEDDED_ONLY),
    )
    databases.update({service: Database(service, settings) for service in services})
    return app


def _beat_schedule(services: Iterable[str]) -> dict[str, Mapping[str, object]]:
    """The periodic jobs of these services.

    Raises ValueError for a service whose jobs were not imported.
    """
    imported = {name.partition(".")[0] for name in SCHEDULE}
    missing = set(services) - imported
    if missing:
        raise ValueError(f"The jobs of {', '.join(sorted(missing))} were not imported.")
    return {
        name: {"task": name, "schedule": seconds, "options": {"expires": seconds * 2}}
        for name, seconds in SCHEDULE.items()
        if name.partition(".")[0] in services
    }


def _task_queue(service: str, amqp: bool) -> Queue:
    # A topic exchange: with quorum queues on a direct one, Celery keeps countdowns in the memory of
    # a worker.
    exchange = Exchange("wishtree.tasks", type="topic" if amqp else "direct")
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": 20} if amqp else None
    name = f"{service}.tasks"
    return Queue(name, exchange, routing_key=name, queue_arguments=arguments)


@setup_logging.connect
def _keep_our_logs(loglevel: str | int = "INFO", **_: Any) -> None:
    configure_logs("INFO" if isinstance(loglevel, int) else loglevel)
