"""Health and metrics of a process that serves no API: a bus, a worker or beat."""

from collections.abc import Iterable, Sequence
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from shared.core.settings import Settings
from shared.messaging.turns import Turns

STUCK_AFTER = 2
"""Times `loop_silent_seconds`: by then others call the loop silent, and a restart may help."""


def serve_health(settings: Settings, turns: Sequence[Turns]) -> None:
    """Serve `/healthz` and `/metrics` on the metrics port, if the settings have one."""
    if settings.metrics_port is None:
        return
    app = health_app(turns, settings.loop_silent_seconds * STUCK_AFTER)
    server = make_server("", settings.metrics_port, app, ThreadingWSGIServer, _Quiet)
    Thread(target=server.serve_forever, name="health", daemon=True).start()


class _Quiet(WSGIRequestHandler):
    """Logs no requests: they come every few seconds."""

    def log_message(self, format: str, *args: object) -> None:
        pass


def health_app(turns: Sequence[Turns], stuck_seconds: float) -> WSGIApplication:
    """`/healthz` answers 503 and names the loops that have not turned for so long.

    One that waits for the broker or the database is not stuck: a restart would bring neither back.
    """
    metrics = make_wsgi_app()

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != "/healthz":
            return metrics(environ, start_response)  # type: ignore[no-any-return]
        stuck = [
            f"{one.service}.{loop.kind}"
            for one in turns
            for loop in one.loops
            if loop.silent_seconds > stuck_seconds and not loop.at_broker
        ]
        status = "503 Service Unavailable" if stuck else "200 OK"
        start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [(f"stuck: {', '.join(stuck)}" if stuck else "ok").encode()]

    return app
