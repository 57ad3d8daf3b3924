"""`/{service}/docs`: the OpenAPI document of a service as a page for people, at the service's own
address.

The same facts as `openapi.json`, without a script and without anybody else's hosts.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from apiflask import APIBlueprint
from flask import Response, current_app, request, send_from_directory
from jinja2 import Environment, PackageLoader

from shared.auth.access import allow
from shared.core.language import LANGUAGES, request_language, translate

STATIC = Path(__file__).parent / "static"
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
METHODS = ("get", "post", "put", "patch", "delete")

_templates = Environment(
    loader=PackageLoader("shared.service"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


def api_page_blueprint(service: str) -> APIBlueprint:
    bp = APIBlueprint("api_page", __name__, enable_openapi=False)

    @bp.get(f"/{service}/docs")
    @allow(public=True)
    def docs() -> Response:
        wanted = request.args.get("lang")
        language = wanted if wanted in LANGUAGES else request_language()
        spec = current_app.spec  # type: ignore[attr-defined]
        page = _templates.get_template("api.html").render(
            service=service,
            title=spec["info"]["title"],
            groups=operations_by_tag(spec),
            language=language,
            _=lambda text: translate(text, language),
        )
        response = Response(page, content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Content-Language"] = language
        return response

    @bp.get(f'/{service}/docs/<any("docs.css", "icon.svg"):name>')
    @allow(public=True)
    def static_file(name: str) -> Response:
        return send_from_directory(STATIC, name)

    return bp


def operations_by_tag(spec: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Every operation with its roles, parameters, body and answers, in groups, in the document's
    order.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, item in spec["paths"].items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                groups.setdefault((operation.get("tags") or [""])[0], []).append(
                    _operation(spec, method, path, operation, item.get("parameters", []))
                )
    return groups


def _operation(
    spec: dict[str, Any],
    method: str,
    path: str,
    operation: dict[str, Any],
    of_path: list[dict[str, Any]],
) -> dict[str, Any]:
    answers = [
        (status, _fields(spec, _schema_of(answer)))
        for status, answer in operation.get("responses", {}).items()
        if str(status).startswith("2")
    ]
    return {
        "method": method.upper(),
        "path": path,
        "id": f"{method}{path}".translate(str.maketrans("/{}:", "----")),
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "roles": operation.get("x-roles", []),
        "parameters": [_parameter(spec, p) for p in (*of_path, *operation.get("parameters", []))],
        "body": _fields(spec, _schema_of(operation.get("requestBody", {}))),
        "answers": answers,
    }


def _parameter(spec: dict[str, Any], parameter: dict[str, Any]) -> dict[str, Any]:
    schema = parameter.get("schema", {})
    return {
        "name": f"{parameter['name']} ({parameter.get('in', '')})",
        "type": _type(spec, schema),
        "required": parameter.get("required", False),
        "description": parameter.get("description") or schema.get("description", ""),
    }


def _schema_of(holder: dict[str, Any]) -> dict[str, Any]:
    contents: Iterable[dict[str, Any]] = holder.get("content", {}).values()
    return next((content.get("schema", {}) for content in contents), {})


def _fields(spec: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    schema = _resolved(spec, schema)
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "type": _type(spec, field),
            "required": name in required,
            "description": field.get("description", ""),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _resolved(spec: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = (
        spec.get("components", {}).get("schemas", {}).get(name, {}) if name else schema
    )
    return found


def _type(spec: dict[str, Any], schema: dict[str, Any]) -> str:
    """A type in a few words: `uuid`, `integer`, `list of Item`, `a | b`."""
    options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if options:
        return " | ".join(_type(spec, option) for option in options)
    found = _resolved(spec, schema)
    if "enum" in found:
        return " | ".join(str(value) for value in found["enum"])
    if "const" in found:
        return str(found["const"])
    if schema.get("$ref"):
        inner = ", ".join(found.get("properties", {}))
        return f"{{{inner}}}"
    if found.get("type") == "array":
        return f"list of {_type(spec, found.get('items', {}))}"
    kind = found.get("format") or found.get("type") or "any"
    return ", ".join(kind) if isinstance(kind, list) else str(kind)
