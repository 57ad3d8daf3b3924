"""The one way to make a service's web app: access, idempotency keys, problem documents, health, metrics, OpenAPI."""

from collections.abc import Callable, Iterable, Sequence
from json import JSONDecodeError
from time import perf_counter
from typing import Any

from apiflask import APIBlueprint, APIFlask
from apiflask.exceptions import HTTPError
from flask import Request, Response, current_app, g, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import DBAPIError, IntegrityError
from werkzeug.exceptions import HTTPException

from shared import health
from shared.api_page import api_page_blueprint
from shared.auth import Principal, Verifier, allow, authorize
from shared.bodies import MAX_BODY_BYTES, limit_of
from shared.db import Database, is_contention, is_database_away, using
from shared.dead_letters import dead_letters_blueprint
from shared.feed import feed_blueprint
from shared.idempotency import EXEMPT, HEADER, idempotently
from shared.language import translate
from shared.logs import configure_logs, get_logger, traced
from shared.metrics import REQUESTS
from shared.problems import BadRequest, Conflict, Problem, Unauthorized, Unavailable
from shared.settings import Settings

log = get_logger(__name__)

HINTS = {
    404: "No such path. An id in a path is a UUID.",
    405: "This path knows other methods: see the Allow header.",
}
METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}
ApiKeys = Callable[[str], Principal]


class ServiceRequest(Request):
    """No body reads as `{}`: a move may leave it out, and where fields are needed the answer names them."""

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        if not self.get_data():
            return {}
        where = f" (line {e.lineno}, column {e.colno})" if isinstance(e, JSONDecodeError) else ""
        raise BadRequest(f"The body is not valid JSON{where}.")


class ServiceApp(APIFlask):
    """A Flask app of one service. `create_app` of each service calls `make_app`, nothing else builds one."""

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
            return idempotently(self.settings, lambda: self.make_response(APIFlask.dispatch_request(self)))
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


def make_app(
    service: str, settings: Settings, blueprints: Iterable[APIBlueprint], *, api_keys: ApiKeys | None = None
) -> ServiceApp:
    """Build a service's app. Raises RuntimeError naming each route that does not say who may use it."""
    configure_logs(settings.log_level)
    app = ServiceApp(
        f"services.{service}",
        title=f"Wishtree {service}",
        version="1",
        spec_path=f"/{service}/openapi.json",
        docs_path=None,
        static_folder=None,
    )
    app.database, app.settings, app.verifier = Database(service, settings), settings, Verifier(settings)
    app.api_keys = api_keys
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
        _operations(service),
        api_page_blueprint(service),
    )
    for blueprint in (*blueprints, *common):
        app.register_blueprint(blueprint)
    app.security_schemes = {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "api_key": {"type": "apiKey", "in": "header", "name": "Api-Key"},
    }
    app.view_functions["openapi.spec"] = allow(public=True)(app.view_functions["openapi.spec"])
    _answer_problems(app)
    _measure(app, service)
    app.spec_processor(lambda spec: _finish_spec(app, spec))
    silent = [r.rule for r in app.url_map.iter_rules() if not hasattr(app.view_functions[r.endpoint], "__access__")]
    if silent:
        raise RuntimeError(f"Routes that do not say who may use them (@allow): {', '.join(silent)}")
    return app


def _operations(service: str) -> APIBlueprint:
    """Liveness never touches the database; readiness does. Both are for probes, metrics for Prometheus."""
    bp = APIBlueprint("operations", __name__, enable_openapi=False)

    @bp.get("/healthz")
    @allow(public=True)
    def healthz() -> Response:
        return jsonify(status="ok")

    @bp.get(f"/{service}/readyz")
    @allow(public=True)
    def readyz() -> tuple[Response, int]:
        state = health.readiness(service)
        return jsonify(state), 503 if state["status"] == "down" else 200

    @bp.get(f"/{service}/metrics")
    @allow(public=True)
    def metrics() -> Response:
        health.measure(service)
        return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)

    @bp.get("/problems/<slug>")
    @allow(public=True)
    def problem(slug: str) -> Response:
        titles = {cls.slug(): cls.title() for cls in _all_problems(Problem)}
        title = titles.get(f"/problems/{slug}", "No such problem.")
        return jsonify(type=f"/problems/{slug}", title=translate(title))

    return bp


def _all_problems(cls: type[Problem]) -> Iterable[type[Problem]]:
    for sub in cls.__subclasses__():
        yield sub
        yield from _all_problems(sub)


def _answer_problems(app: ServiceApp) -> None:
    """Every error leaves as application/problem+json with a request id; a 500 carries nothing else."""

    @app.errorhandler(Problem)
    def on_problem(error: Problem) -> Response:
        return _problem_response(error.document(translate(error.title())), error.headers)

    @app.error_processor
    def on_http_error(error: HTTPError) -> Response:
        # The text is the client's own mistake; pydantic's messages name the rule, never the value.
        slug = error.message.lower().replace(" ", "-")
        body: dict[str, Any] = {"type": f"/problems/{slug}", "title": translate(error.message),
                                "status": error.status_code}  # fmt: skip
        if error.status_code == 413:
            most = (request.max_content_length or MAX_BODY_BYTES) // 1024 // 1024
            body["detail"] = f"At most {most} MB at once: send smaller batches."
        elif error.status_code in HINTS:
            body["detail"] = HINTS[error.status_code]
        if isinstance(error.detail, dict) and error.detail:
            body["type"] = "/problems/invalid"
            body["errors"] = _pointers(error.detail)
            body["detail"] = "; ".join(f"{e['pointer']}: {e['detail']}" for e in body["errors"][:3])
        headers = {k: v for k, v in dict(error.headers or {}).items() if k.lower() != "content-type"}
        return _problem_response(body, headers)

    @app.errorhandler(RecursionError)
    def on_deep_json(_: RecursionError) -> Response:
        return on_problem(BadRequest("The JSON is nested too deeply."))

    @app.errorhandler(DBAPIError)
    def on_database_error(error: DBAPIError) -> Response:
        if isinstance(error, IntegrityError):
            # A race that a constraint decided and no verb named: still the client's 409, and a log line for us.
            log.warning(
                "constraint decided", constraint=getattr(getattr(error.orig, "diag", None), "constraint_name", None)
            )
            return on_problem(Conflict("This contradicts something that is already stored."))
        if is_contention(error) or is_database_away(error):
            return on_away(error)
        return on_any(error)

    @app.errorhandler(Exception)
    def on_any(error: Exception) -> Response:
        if isinstance(error, HTTPException):
            return on_http_error(_as_http_error(error))
        if is_database_away(error):
            return on_away(error)
        log.exception("unexpected error", route=str(request.url_rule))
        return _problem_response({"type": "/problems/internal", "title": translate("Something went wrong here."),
                                  "status": 500})  # fmt: skip

    def on_away(error: Exception) -> Response:
        log.warning("database away or busy", error=type(error).__name__)
        problem = Unavailable("The database is away or busy. Nothing was changed.")
        problem.headers["Retry-After"] = "2"
        return on_problem(problem)


def _as_http_error(error: HTTPException) -> HTTPError:
    headers = {k: v for k, v in error.get_headers() if k.lower() in ("allow", "retry-after")}
    return HTTPError(error.code or 500, error.name, headers=headers)


def _problem_response(body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    from shared.logs import current_traceparent

    body["request_id"] = (current_traceparent() or "")[3:35]
    response = jsonify(body)
    response.status_code = body["status"]
    response.headers["Content-Type"] = "application/problem+json"
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    response.headers.update(headers or {})
    return response


def _pointers(detail: dict[str, Any]) -> Sequence[dict[str, str]]:
    """APIFlask's {location: {"items.0.minutes": [reasons]}} as JSON pointers (RFC 6901)."""
    found = []
    for fields in detail.values():
        for path, reasons in fields.items() if isinstance(fields, dict) else ():
            pointer = "" if path == "_schema" else "/" + path.replace("~", "~0").replace("/", "~1").replace(".", "/")
            found.append({"pointer": pointer, "detail": "; ".join(str(reason) for reason in reasons)})
    return found


def _measure(app: ServiceApp, service: str) -> None:
    @app.before_request
    def start() -> None:
        g.started = perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        route = str(request.url_rule) if request.url_rule else "unknown"
        method = request.method if request.method in METHODS else "other"  # clients may make methods up
        REQUESTS.labels(service, route, method, response.status_code).observe(perf_counter() - g.started)
        if _may_be_kept(response):
            response.headers.setdefault("Cache-Control", "no-cache")  # kept, but asked about each time
            response.add_etag()
            response.make_conditional(request)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _may_be_kept(response: Response) -> bool:
    """A public read that looks the same to everybody: it gets an ETag, so that asking again costs no body."""
    if request.method != "GET" or response.status_code != 200 or not request.path.startswith("/v1/"):
        return False
    view = request.endpoint and current_app.view_functions[request.endpoint]
    return getattr(view, "__access__").public and g.get("principal") is None  # noqa: B009 - set by @allow


def _finish_spec(app: ServiceApp, spec: dict[str, Any]) -> dict[str, Any]:
    """Say in the document what the code enforces: who may call, and that errors are problem documents."""
    problem = {
        "type": "object",
        "properties": {
            "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
            "detail": {"type": "string"}, "request_id": {"type": "string"},
            "errors": {"type": "array", "items": {"type": "object"}},
        },
        "required": ["type", "title", "status"],
    }  # fmt: skip
    spec.setdefault("components", {}).setdefault("schemas", {})["Problem"] = problem
    answer = {
        "description": "A problem document (RFC 9457)",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for operation, view in _operations_of(app, spec):
        responses = operation.setdefault("responses", {})
        for code in [c for c, own in responses.items() if str(c)[0] in "45" and _is_generated(own)]:
            del responses[code]
        responses["4XX"], responses["503"] = answer, answer
        access = view.__access__  # type: ignore[attr-defined]
        if not access.public:
            operation["security"] = [{"bearer": []}, {"api_key": []}]
            who = [*sorted(access.roles), *([f"system:{access.scope}"] if access.scope else [])]
            operation["x-roles"] = who
    return spec


def _is_generated(response: dict[str, Any]) -> bool:
    """APIFlask's own error schemas; what a route documents by itself (OAuth2 errors are no problem documents) stays."""
    return "application/json" not in response.get("content", {}) or "Error" in str(response["content"])


def _operations_of(app: ServiceApp, spec: dict[str, Any]) -> Iterable[tuple[dict[str, Any], Callable[..., Any]]]:
    import re

    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
        for method in rule.methods or ():
            operation = spec.get("paths", {}).get(path, {}).get(method.lower())
            if operation is not None:
                yield operation, app.view_functions[rule.endpoint]
