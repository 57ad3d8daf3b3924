"""The one way to make a service's web app: access, idempotency keys, problem documents, health,
metrics, OpenAPI.
"""

from json import JSONDecodeError
from time import perf_counter
from typing import Any

from apiflask import APIFlask
from flask import Request, Response, current_app, g, request

from shared.auth.access import allow, authorize
from shared.auth.principal import Principal
from shared.auth.verifier import Verifier
from shared.core.logs import configure_logs, traced
from shared.core.metrics import REQUESTS
from shared.core.problems import BadRequest, Unauthorized
from shared.core.settings import Settings
from shared.db.engine import Database, using
from shared.http.errors import answer_problems
from shared.http.idempotency import EXEMPT, HEADER, idempotently
from shared.http.limits import MAX_BODY_BYTES, limit_of
from shared.service.dead_letters_api import dead_letters_blueprint
from shared.service.definition import ApiKeys, ServiceDefinition
from shared.service.docs_page import api_page_blueprint
from shared.service.feed_api import feed_blueprint
from shared.service.openapi import finish_spec
from shared.service.probes import probes_blueprint

METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}


class ServiceRequest(Request):
    """No body reads as `{}`: a move may leave it out, and where fields are needed the answer names
    them.
    """

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        if not self.get_data():
            return {}
        where = f" (line {e.lineno}, column {e.colno})" if isinstance(e, JSONDecodeError) else ""
        raise BadRequest(f"The body is not valid JSON{where}.")


class ServiceApp(APIFlask):
    """A Flask app of one service. `create_app` of each service calls `make_app`, nothing else
    builds one.
    """

    request_class = ServiceRequest

    database: Database
    settings: Settings
    verifier: Verifier
    api_keys: ApiKeys | None = None

    def wsgi_app(self, environ: dict[str, Any], start_response: Any) -> Any:
        with using(self.database), traced(environ.get("HTTP_TRACEPARENT")):
            return super().wsgi_app(environ, start_response)

    def dispatch_request(self) -> Any:
        if request.routing_exception is not None or request.endpoint is None:
            return super().dispatch_request()
        view = self.view_functions[request.endpoint]
        g.principal = self._principal()
        authorize(view.__access__, g.principal)  # type: ignore[attr-defined]
        request.max_content_length = limit_of(view)
        if request.method == "POST" and HEADER in request.headers and not hasattr(view, EXEMPT):
            return idempotently(
                self.settings, lambda: self.make_response(APIFlask.dispatch_request(self))
            )
        return super().dispatch_request()

    def _principal(self) -> Principal | None:
        """Who sent the token or key, or None. A bad one is refused even where none is needed."""
        key = request.headers.get("Api-Key")
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if key is None and scheme.lower() == "api-key":
            key = value
        if key is not None:
            if self.api_keys is None:
                raise Unauthorized("This service takes no API keys.")
            return self.api_keys(key.strip())
        if not scheme:
            return None
        if scheme.lower() == "basic":
            return None  # a client at the token endpoint; everywhere else nobody
        if scheme.lower() != "bearer":
            raise Unauthorized("Send `Authorization: Bearer <token>`.")
        return self.verifier.principal(value.strip())


def make_app(definition: ServiceDefinition, settings: Settings) -> ServiceApp:
    """Build a service's app. Raises RuntimeError naming each route that does not say who may use
    it.
    """
    configure_logs(settings.log_level)
    service = definition.name
    app = ServiceApp(
        service,
        title=f"Wishtree {service}",
        version="1",
        spec_path=f"/{service}/openapi.json",
        docs_path=None,
        static_folder=None,
    )
    app.database, app.settings, app.verifier = (
        definition.database(settings),
        settings,
        Verifier(settings),
    )
    app.api_keys = definition.api_keys
    app.extensions["settings"] = settings
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        OPENAPI_VERSION="3.1.0",
        VALIDATION_ERROR_STATUS_CODE=422,
        SPEC_PROCESSOR_PASS_OBJECT=False,
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    common = (
        feed_blueprint(service),
        dead_letters_blueprint(f"/{service}/dead-letters", "own_dead_letters"),
        probes_blueprint(service),
        api_page_blueprint(service),
    )
    for blueprint in (*definition.blueprints, *common):
        app.register_blueprint(blueprint)
    app.security_schemes = {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "api_key": {"type": "apiKey", "in": "header", "name": "Api-Key"},
    }
    app.view_functions["openapi.spec"] = allow(public=True)(app.view_functions["openapi.spec"])
    answer_problems(app)
    _measure(app, service)
    app.spec_processor(lambda spec: finish_spec(app, spec))
    silent = [
        r.rule
        for r in app.url_map.iter_rules()
        if not hasattr(app.view_functions[r.endpoint], "__access__")
    ]
    if silent:
        raise RuntimeError(f"Routes that do not say who may use them (@allow): {', '.join(silent)}")
    return app


def _measure(app: ServiceApp, service: str) -> None:
    @app.before_request
    def start() -> None:
        g.started = perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        route = str(request.url_rule) if request.url_rule else "unknown"
        method = (
            request.method if request.method in METHODS else "other"
        )  # clients may make methods up
        REQUESTS.labels(service, route, method, response.status_code).observe(
            perf_counter() - g.started
        )
        if _may_be_kept(response):
            response.headers.setdefault(
                "Cache-Control", "no-cache"
            )  # kept, but asked about each time
            response.add_etag()
            response.make_conditional(request)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _may_be_kept(response: Response) -> bool:
    """A public read that looks the same to everybody: it gets an ETag, so that asking again costs
    no body.
    """
    if (
        request.method != "GET"
        or response.status_code != 200
        or not request.path.startswith("/v1/")
    ):
        return False
    view = request.endpoint and current_app.view_functions[request.endpoint]
    return getattr(view, "__access__").public and g.get("principal") is None  # noqa: B009 - set by @allow
