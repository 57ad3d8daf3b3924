"""The gateway as a WSGI app.

In compact mode the services run in this process, else they are upstreams at their own addresses.
A service that hangs takes neither the threads nor the time of others: programs reach it through
`gateway.pass_through`, pages through `gateway.page_calls`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask
from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Request, Response

from gateway.json_responses import problem_response
from gateway.pass_through import PassThrough
from gateway.readiness import Readiness
from gateway.routing import owner_of
from gateway.shell import make_pages
from gateway.upstreams import Upstream
from shared import SERVICES
from shared.core.language import language_of
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

    def __init__(self, services: Mapping[str, WSGIApplication], pages: Flask) -> None:
        self._pages = pages
        settings: Settings = pages.extensions["settings"]
        places = settings.requests_at_once
        self._services = {
            service: PassThrough(service, app, places) for service, app in services.items()
        }
        self._readiness = Readiness(services, 1.5 * settings.page_seconds)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with traced(environ.get("HTTP_TRACEPARENT")) as traceparent:
            environ["HTTP_TRACEPARENT"] = traceparent
            app = self._app_for(environ)
            return app(environ, start_response)

    def _app_for(self, environ: WSGIEnvironment) -> WSGIApplication:
        path = environ.get("PATH_INFO", "/")
        if path == "/readyz":
            return self._readiness.response(_language_of(environ))
        owner = owner_of(path)
        if owner is not None and path == f"/{owner}/readyz":
            return self._readiness.response_of(owner, _language_of(environ))
        if owner is not None:
            return self._services[owner]
        return _not_found(path) if path.startswith(API_PATHS) else self._pages


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


def _language_of(environ: WSGIEnvironment) -> str:
    return language_of(Request(environ).accept_languages)


def _not_found(path: str) -> Response:
    detail = f"No service owns {path}."
    return problem_response("not-found", "There is nothing here.", 404, detail)
