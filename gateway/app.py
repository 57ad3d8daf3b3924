"""The gateway as a WSGI app: in compact mode the services run in this process, else they are asked
over HTTP.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from gateway.routing import owner_of
from gateway.shell import make_pages
from shared import SERVICES
from shared.core.logs import configure_logs, get_logger, traced
from shared.core.settings import Settings

log = get_logger(__name__)

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]

HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "proxy-authorization",
    "proxy-authenticate",
    "content-encoding",
    "content-length",
    "host",
}
TIMEOUT_SECONDS = (2, 30)


API_PATHS = (
    "/v1/",
    "/v2/",
    "/.well-known/",
    *(f"/{service}/" for service in SERVICES if service != "wishes"),
)
"""Below these there are no pages: what nobody owns is answered to a program, not to a person."""


class Gateway:
    """Passes each request to the owner of its path."""

    def __init__(self, services: Mapping[str, Wsgi], pages: Wsgi) -> None:
        self._services, self._pages = services, pages

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        with traced(environ.get("HTTP_TRACEPARENT")) as traceparent:
            environ["HTTP_TRACEPARENT"] = traceparent
            if path == "/readyz":
                return self._readiness()(environ, start_response)
            owner = owner_of(path)
            if owner is None and path.startswith(API_PATHS):
                return _not_found(path)(environ, start_response)
            return (self._services[owner] if owner else self._pages)(environ, start_response)

    def _readiness(self) -> Response:
        """The sum of all services: down if one is down, degraded if one is degraded."""
        with ThreadPoolExecutor(len(SERVICES)) as pool:
            states = list(pool.map(self._ask, SERVICES))
        found = {state["status"] for state in states}
        status = next(s for s in ("down", "degraded", "ready") if s in found)
        return _json({"status": status, "services": states}, 503 if status == "down" else 200)

    def _ask(self, service: str) -> dict[str, Any]:
        answer = Client(self._services[service]).get(f"/{service}/readyz")
        try:
            state: dict[str, Any] = answer.get_json()
            return state if "service" in state else {"service": service, "status": "down"}
        except ValueError:
            return {"service": service, "status": "down"}


def create_gateway() -> Gateway:
    """The gateway alone; services answer at the URLs of the settings."""
    settings = Settings.read()
    configure_logs(settings.log_level)
    services = {s: _remote(s, settings.url_of(s)) for s in SERVICES}
    return Gateway(services, make_pages(settings, caller_of(services)))


def caller_of(services: Mapping[str, Wsgi]) -> Callable[..., Any]:
    """How pages ask a service: the same request a browser would send, through the same code."""

    def call(method: str, path: str, **options: Any) -> Any:
        owner = owner_of(path.partition("?")[0])
        if owner is None:
            raise ValueError(f"No service owns {path}.")
        return Client(services[owner]).open(path, method=method, **options)

    return call


def _remote(service: str, url: str) -> Wsgi:
    """A WSGI app that passes a request on, and answers 502 as a problem document when the service
    does not.
    """
    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_connections=4, pool_maxsize=64))
    session.trust_env = False

    def pass_on(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        headers = {k: v for k, v in request.headers.items() if k.lower() not in HOP_BY_HOP}
        headers["X-Forwarded-For"] = request.remote_addr or ""
        target = url + environ.get("PATH_INFO", "/")
        query = environ.get("QUERY_STRING", "")
        try:
            answer = session.request(
                request.method,
                target + (f"?{query}" if query else ""),
                data=request.get_data(),
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            log.warning("service does not answer", service=service, error=type(error).__name__)
            body = {
                "type": "/problems/unavailable",
                "title": f"{service} does not answer just now.",
                "status": 503,
            }
            response = _json(body, 503, "application/problem+json")
            response.headers["Retry-After"] = "2"
            return response(environ, start_response)
        kept = [(k, v) for k, v in answer.headers.items() if k.lower() not in HOP_BY_HOP]
        return Response(answer.content, answer.status_code, kept)(environ, start_response)

    return pass_on


def _not_found(path: str) -> Response:
    body = {
        "type": "/problems/not-found",
        "title": "There is nothing here.",
        "status": 404,
        "detail": f"No service owns {path}.",
    }
    return _json(body, 404, "application/problem+json")


def _json(body: dict[str, Any], status: int, content_type: str = "application/json") -> Response:
    import json

    return Response(json.dumps(body, ensure_ascii=False), status, content_type=content_type)
