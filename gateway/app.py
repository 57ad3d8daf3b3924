"""The gateway as a WSGI app.

In compact mode the services run in this process, else they are upstreams at their own addresses.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Response

from gateway.json_responses import json_response, problem_response
from gateway.routing import owner_of
from gateway.shell import make_pages
from gateway.upstreams import Upstream
from shared import SERVICES
from shared.core.json import JsonObject
from shared.core.logs import configure_logs, traced
from shared.core.settings import Settings

API_PATHS = (
    "/v1/",
    "/v2/",
    "/.well-known/",
    # /wishes/{id} is a page; what the service itself serves below /wishes/ has an owner.
    *(f"/{service}/" for service in SERVICES if service != "wishes"),
)
"""There are no pages below these: a path without owner gets a problem document, no HTML."""


class Gateway:
    """Pass each request to the upstream of its path."""

    def __init__(self, services: Mapping[str, WSGIApplication], pages: WSGIApplication) -> None:
        self._services, self._pages = services, pages

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with traced(environ.get("HTTP_TRACEPARENT")) as traceparent:
            environ["HTTP_TRACEPARENT"] = traceparent
            app = self._app_for(environ.get("PATH_INFO", "/"))
            return app(environ, start_response)

    def _app_for(self, path: str) -> WSGIApplication:
        if path == "/readyz":
            return self._readiness()
        owner = owner_of(path)
        if owner is not None:
            return self._services[owner]
        return _not_found(path) if path.startswith(API_PATHS) else self._pages

    def _readiness(self) -> Response:
        """Sum up all services: down if one is down, degraded if one is degraded, and why."""
        with ThreadPoolExecutor(len(SERVICES)) as pool:
            states = list(pool.map(self._state_of, SERVICES))
        found = {state["status"] for state in states}
        status = next(one for one in ("down", "degraded", "ready") if one in found)
        reasons = [reason for state in states for reason in _reasons_in(state)]
        body = {"status": status, "reasons": reasons, "services": states}
        return json_response(body, 503 if status == "down" else 200)

    def _state_of(self, service: str) -> JsonObject:
        response = Client(self._services[service]).get(f"/{service}/readyz")
        try:
            state: JsonObject = response.get_json()
        except ValueError:
            state = {}
        return state if "service" in state else {"service": service, "status": "down"}


def _reasons_in(state: JsonObject) -> list[JsonObject]:
    """Why a service is not ready: which loop of which process. One that gives no reason is away."""
    silent = {"code": "service_away", "service": state["service"], "loop": None, "process": None}
    given: list[JsonObject] = state.get("reasons", [silent])
    return given


def create_gateway() -> Gateway:
    """Make the gateway alone; services answer at the URLs of the settings."""
    settings = Settings.read()
    configure_logs(settings.log_level)
    services = {service: Upstream(service, settings.url_of(service)) for service in SERVICES}
    return Gateway(services, make_pages(settings, caller_of(services)))


def caller_of(services: Mapping[str, WSGIApplication]) -> Callable[..., TestResponse]:
    """How pages send a request to a service: through the code that serves a browser's request."""

    def call(method: str, path: str, **options: Any) -> TestResponse:
        owner = owner_of(path.partition("?")[0])
        if owner is None:
            raise ValueError(f"No service owns {path}.")
        return Client(services[owner]).open(path, method=method, **options)

    return call


def _not_found(path: str) -> Response:
    detail = f"No service owns {path}."
    return problem_response("not-found", "There is nothing here.", 404, detail)
