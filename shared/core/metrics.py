"""What Prometheus sees. Labels are closed sets: service, route, type of fact, outcome; never an
id.
"""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Histogram(
    "wishtree_request_seconds", "HTTP requests", ["service", "route", "method", "status"]
)
HANDLER_SECONDS = Histogram(
    "wishtree_handler_seconds", "One transaction of facts handled", ["service"]
)
EVENTS_HANDLED = Counter(
    "wishtree_facts_total", "Facts, by what became of them", ["service", "type", "outcome"]
)
LAG = Histogram(
    "wishtree_fact_lag_seconds",
    "From the publisher's commit to the listener's",
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
ATTEMPTS = Gauge("wishtree_attempts_waiting", "Facts waiting for another attempt", ["service"])
DEAD_LETTERS = Gauge(
    "wishtree_dead_letters", "Facts that were given up and not yet replayed", ["service"]
)
JOBS = Histogram("wishtree_job_seconds", "Celery jobs", ["name", "outcome"])
