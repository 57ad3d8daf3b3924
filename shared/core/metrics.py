"""Metrics for Prometheus. Labels are closed sets (service, route, event type), never ids."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Histogram(
    "wishtree_request_seconds", "HTTP requests", ["service", "route", "method", "status"]
)
HANDLER_SECONDS = Histogram(
    "wishtree_handler_seconds", "One transaction that handles events", ["service"]
)
EVENTS_HANDLED = Counter(
    "wishtree_events_total", "Received events, by outcome", ["service", "type", "outcome"]
)
LAG = Histogram(
    "wishtree_event_lag_seconds",
    "From the publisher's commit to the handler's",
    ["service"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 120, 600, 3600),
)
PUBLISHED = Counter(
    "wishtree_published_total", "Outbox rows handed to the broker", ["service", "outcome"]
)
OUTBOX_AGE = Gauge(
    "wishtree_outbox_oldest_seconds", "Age of the oldest unpublished outbox row", ["service"]
)
OUTBOX_ROWS = Gauge("wishtree_outbox_unpublished", "Unpublished outbox rows", ["service"])
ATTEMPTS = Gauge("wishtree_attempts_waiting", "Events that wait for another attempt", ["service"])
DEAD_LETTERS = Gauge(
    "wishtree_dead_letters", "Events that were given up and not yet replayed", ["service"]
)
AUDIT_DIFFERENCES = Gauge(
    "wishtree_audit_differences", "Open differences of the audit", ["service", "kind"]
)
AUDIT_AGE = Gauge("wishtree_audit_age_seconds", "Since the newest audit finished", ["service"])
JOBS = Histogram("wishtree_job_seconds", "Celery jobs", ["name", "outcome"])
LOOP_TURNED = Gauge(
    "wishtree_loop_last_turn_timestamp_seconds",
    "When a loop of this process turned last",
    ["service", "loop"],
)
LOOP_OLDEST = Gauge(
    "wishtree_loop_oldest_seconds",
    "How long the oldest work of a loop has waited, when it turned last",
    ["service", "loop"],
)
LOOP_SILENT = Gauge(
    "wishtree_loop_silent_seconds",
    "Since when no process has turned this loop of the service",
    ["service", "loop"],
)
JOBS_LATE = Gauge(
    "wishtree_jobs_late_seconds", "How late the most overdue periodic job is", ["service"]
)
DATABASE_UP = Gauge("wishtree_database_up", "1 while the database answers", ["service"])
BROKER_UP = Gauge(
    "wishtree_broker_up", "1 while a bus of the service reaches the broker", ["service"]
)
