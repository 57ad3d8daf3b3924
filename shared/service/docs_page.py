"""`/{service}/docs`: the OpenAPI document of a service as a page for people.

It needs no script and loads nothing from other hosts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from apiflask import APIBlueprint
from flask import Response, current_app, request, send_from_directory
from jinja2 import Environment, PackageLoader

from shared.auth.access import allow
from shared.core.json import JsonObject
from shared.core.language import LANGUAGES, request_language, translate

STATIC = Path(__file__).parent / "static"
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
METHODS = ("get", "post", "put", "patch", "delete")
ANCHOR = str.maketrans("/{}:", "----")

_templates = Environment(
    loader=PackageLoader("shared.service"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field of a body or a parameter, as a row of a table."""

    name: str
    type: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful response of an operation."""

    status: str
    fields: list[FieldRow]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, as a section of the page."""

    method: str
    path: str
    id: str
    summary: str
    description: str
    roles: list[str]
    parameters: list[FieldRow]
    body: list[FieldRow]
    answers: list[Answer]


def api_page_blueprint(service: str) -> APIBlueprint:
    """Serve the page and its style."""
    bp = APIBlueprint("api_page", __name__, enable_openapi=False)

    @bp.get(f"/{service}/docs")
    @allow(public=True)
    def docs() -> Response:
        language = _language()
        spec = current_app.spec  # type: ignore[attr-defined]
        response = Response(_page(service, spec, language), content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Content-Language"] = language
        return response

    @bp.get(f'/{service}/docs/<any("docs.css", "icon.svg"):name>')
    @allow(public=True)
    def static_file(name: str) -> Response:
        return send_from_directory(STATIC, name)

    return bp


def _language() -> str:
    wanted = request.args.get("lang")
    return wanted if wanted in LANGUAGES else request_language()


def _page(service: str, spec: JsonObject, language: str) -> str:
    return _templates.get_template("api.html").render(
        service=service,
        title=spec["info"]["title"],
        groups=operations_by_tag(spec),
        language=language,
        _=lambda text: translate(text, language),
    )


def operations_by_tag(spec: JsonObject) -> dict[str, list[Operation]]:
    """Every operation in groups, in the document's order."""
    groups: dict[str, list[Operation]] = {}
    for path, item in spec["paths"].items():
        for method in METHODS:
            if method in item:
                tag = (item[method].get("tags") or [""])[0]
                groups.setdefault(tag, []).append(_operation(spec, method, path))
    return groups


def _operation(spec: JsonObject, method: str, path: str) -> Operation:
    item = spec["paths"][path]
    operation = item[method]
    parameters = (*item.get("parameters", []), *operation.get("parameters", []))
    return Operation(
        method=method.upper(),
        path=path,
        id=f"{method}{path}".translate(ANCHOR),
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        roles=operation.get("x-roles", []),
        parameters=[_parameter(spec, parameter) for parameter in parameters],
        body=_fields(spec, operation.get("requestBody", {})),
        answers=list(_answers(spec, operation)),
    )


def _answers(spec: JsonObject, operation: JsonObject) -> Iterator[Answer]:
    for status, response in operation.get("responses", {}).items():
        if str(status).startswith("2"):
            yield Answer(str(status), _fields(spec, response))


def _parameter(spec: JsonObject, parameter: JsonObject) -> FieldRow:
    schema = parameter.get("schema", {})
    return FieldRow(
        name=f"{parameter['name']} ({parameter.get('in', '')})",
        type=_type(spec, schema),
        required=parameter.get("required", False),
        description=parameter.get("description") or schema.get("description", ""),
    )


def _fields(spec: JsonObject, holder: JsonObject) -> list[FieldRow]:
    """The fields of a request's or a response's first kind of content."""
    contents: Iterable[JsonObject] = holder.get("content", {}).values()
    schema: JsonObject = next((content.get("schema", {}) for content in contents), {})
    resolved = _resolved(spec, schema)
    required = resolved.get("required", [])
    return [
        FieldRow(name, _type(spec, field), name in required, field.get("description", ""))
        for name, field in resolved.get("properties", {}).items()
    ]


def _resolved(spec: JsonObject, schema: JsonObject) -> JsonObject:
    name = schema.get("$ref", "").rpartition("/")[2]
    if not name:
        return schema
    found: JsonObject = spec.get("components", {}).get("schemas", {}).get(name, {})
    return found


def _type(spec: JsonObject, schema: JsonObject) -> str:
    """A type in a few words: `uuid`, `integer`, `list of Item`, `a | b`."""
    options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if options:
        return " | ".join(_type(spec, option) for option in options)
    found = _resolved(spec, schema)
    if "enum" in found:
        return " | ".join(str(value) for value in found["enum"])
    if "const" in found:
        return str(found["const"])
    if "$ref" in schema:
        return f"{{{', '.join(found.get('properties', {}))}}}"
    if found.get("type") == "array":
        return f"list of {_type(spec, found.get('items', {}))}"
    return _simple_type(found)


def _simple_type(schema: JsonObject) -> str:
    kind = schema.get("format") or schema.get("type") or "any"
    return ", ".join(kind) if isinstance(kind, list) else str(kind)
