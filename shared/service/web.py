"""The one way to make a service's web app.

It adds to the service's endpoints: access, idempotency keys, problem documents, probes, metrics,
the feed, dead letters and OpenAPI.
"""

from json import JSONDecodeError
from time import perf_counter
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from apiflask import APIFlask
from flask import Request, Response, current_app, g, request
from flask.json.provider import DefaultJSONProvider

from shared.auth.access import ACCESS, access_of, allow, authorize
from shared.auth.principal import Principal
from shared.auth.verifier import Verifier
from shared.core.json import RepeatedKey, made_storable, read_json
from shared.core.logs import configure_logs, traced
from shared.core.metrics import REQUESTS
from shared.core.problems import BadRequest, Unauthorized, invalid
from shared.core.settings import Settings
from shared.db.engine import Database, using
from shared.http.errors import answer_problems
from shared.http.idempotency import HEADER, idempotently, takes_idempotency_keys
from shared.http.limits import MAX_BODY_BYTES, limit_of
from shared.http.text import refuse_nul
from shared.service.dead_letters_api import dead_letters_blueprint
from shared.service.definition import ApiKeys, ServiceDefinition
from shared.service.docs_page import api_page_blueprint
from shared.service.feed_api import feed_blueprint
from shared.service.openapi import finish_spec
from shared.service.probes import probes_blueprint

METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}
SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "api_key": {"type": "apiKey", "in": "header", "name": "Api-Key"},
}


class ServiceRequest(Request):
    """Reads a missing body as `{}`: many moves need none, and else the answer names the fields."""

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        if not self.get_data():
            return {}
        if isinstance(e, RepeatedKey):
            raise invalid(made_storable(e.pointer), "This key is there twice.")
        where = f" (line {e.lineno}, column {e.colno})" if isinstance(e, JSONDecodeError) else ""
        raise BadRequest(f"The body is not valid JSON{where}.")


class StrictJson(DefaultJSONProvider):
    """Reads JSON strictly: each key once, no NaN."""

    ensure_ascii = False
    sort_keys = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return read_json(s.decode("utf-8-sig") if isinstance(s, bytes) else s)


class ServiceApp(APIFlask):
    """The Flask app of one service. Only `make_app` builds one."""

    request_class = ServiceRequest
    json_provider_class = StrictJson

    database: Database
    settings: Settings
    verifier: Verifier
    api_keys: ApiKeys | None = None

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        with using(self.database), traced(environ.get("HTTP_TRACEPARENT")):
            return super().wsgi_app(environ, start_response)

    def dispatch_request(self) -> Any:
        if request.routing_exception is not None or request.endpoint is None:
            return super().dispatch_request()
        view = self.view_functions[request.endpoint]
        g.principal = self._principal()
        authorize(access_of(view), g.principal)
        request.max_content_length = limit_of(view)
        refuse_nul(request)
        if HEADER in request.headers and request.method == "POST" and takes_idempotency_keys(view):
            return idempotently(self.settings, self._dispatched)
        return super().dispatch_request()

    def _dispatched(self) -> Response:
        return self.make_response(super().dispatch_request())

    def _principal(self) -> Principal | None:
        """Who sent the request; None for nobody. A bad credential is refused everywhere."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        scheme = scheme.lower()
        api_key = request.headers.get("Api-Key", value if scheme == "api-key" else None)
        if api_key is not None:
            return self._key_holder(api_key.strip())
        if scheme in ("", "basic"):  # basic: a client, for the token endpoint alone
            return None
        if scheme != "bearer":
            raise Unauthorized("Send `Authorization: Bearer <token>`.")
        return self.verifier.principal(value.strip())

    def _key_holder(self, api_key: str) -> Principal:
        if self.api_keys is None:
            raise Unauthorized("This service takes no API keys.")
        return self.api_keys(api_key)


def make_app(definition: ServiceDefinition, settings: Settings) -> ServiceApp:
    """Build a service's app.

    Raises RuntimeError naming each route that does not state who may use it.
    """
    configure_logs(settings.log_level)
    app = _bare_app(definition.name)
    app.database = definition.database(settings)
    app.settings = app.extensions["settings"] = settings
    app.verifier = Verifier(settings)
    app.api_keys = definition.api_keys
    _register_blueprints(app, definition)
    app.view_functions["openapi.spec"] = allow(public=True)(app.view_functions["openapi.spec"])
    answer_problems(app)
    app.before_request(_start_clock)
    app.after_request(_finish_response)
    app.spec_processor(lambda spec: finish_spec(app, spec))
    _check_access(app)
    return app


def _bare_app(service: str) -> ServiceApp:
    app = ServiceApp(
        service,
        title=f"Wishtree {service}",
        version="1",
        spec_path=f"/{service}/openapi.json",
        docs_path=None,
        static_folder=None,
    )
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        OPENAPI_VERSION="3.1.0",
        VALIDATION_ERROR_STATUS_CODE=422,
        SPEC_PROCESSOR_PASS_OBJECT=False,
    )
    app.security_schemes = SECURITY_SCHEMES
    return app


def _register_blueprints(app: ServiceApp, definition: ServiceDefinition) -> None:
    service = definition.name
    common = (
        feed_blueprint(service),
        dead_letters_blueprint(f"/{service}/dead-letters", "own_dead_letters"),
        probes_blueprint(service),
        api_page_blueprint(service),
    )
    for blueprint in (*definition.blueprints, *common):
        app.register_blueprint(blueprint)


def _check_access(app: ServiceApp) -> None:
    open_routes = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if not hasattr(app.view_functions[rule.endpoint], ACCESS)
    ]
    if open_routes:
        names = ", ".join(open_routes)
        raise RuntimeError(f"Routes that do not state who may use them (@allow): {names}")


def _start_clock() -> None:
    g.started = perf_counter()


def _finish_response(response: Response) -> Response:
    _measure(response)
    if _is_cacheable(response):
        response.headers.setdefault("Cache-Control", "no-cache")  # kept, and checked each time
        response.add_etag()
        response.make_conditional(request)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _measure(response: Response) -> None:
    route = str(request.url_rule) if request.url_rule else "unknown"
    # Clients can invent methods, and each label value costs memory for ever.
    method = request.method if request.method in METHODS else "other"
    seconds = perf_counter() - g.started
    service = current_app.name
    REQUESTS.labels(service, route, method, response.status_code).observe(seconds)


def _is_cacheable(response: Response) -> bool:
    """Tell whether this is a public read that looks the same to everybody.

    It gets an ETag, so that a client who has it need not receive it again.
    """
    read = request.method == "GET" and response.status_code == 200
    if not read or not request.path.startswith("/v1/"):
        return False
    view = current_app.view_functions[request.endpoint or ""]
    return access_of(view).public and g.get("principal") is None
