"""Add to the OpenAPI document what the code enforces: who may call, and how errors look."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from apiflask import APIFlask

from shared.auth.access import access_of
from shared.core.json import JsonObject

PROBLEM_SCHEMA = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["type", "title", "status"],
}
PROBLEM_RESPONSE = {
    "description": "A problem document (RFC 9457)",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
CONVERTED = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")  #: `<uuid:id>` in a rule of Flask


def finish_spec(app: APIFlask, spec: JsonObject) -> JsonObject:
    """Add to each operation who may call it and its problem documents."""
    schemas = spec.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = PROBLEM_SCHEMA
    for operation, view in _operations_of(app, spec):
        _add_problems(operation)
        _add_access(operation, view)
    return spec


def _add_problems(operation: JsonObject) -> None:
    responses = operation.setdefault("responses", {})
    errors = [code for code in responses if str(code)[0] in "45"]
    for code in errors:
        if _is_generated(responses[code]):
            del responses[code]
    responses["4XX"] = responses["503"] = PROBLEM_RESPONSE


def _is_generated(response: JsonObject) -> bool:
    """Tell APIFlask's own error schemas from those that a route documents itself.

    OAuth2 errors stay: they are no problem documents.
    """
    content = response.get("content", {})
    return "application/json" not in content or "Error" in str(content)


def _add_access(operation: JsonObject, view: Callable[..., Any]) -> None:
    access = access_of(view)
    if not access.public:
        operation["security"] = [{"bearer": []}, {"api_key": []}]
        operation["x-roles"] = access.needed()


def _operations_of(
    app: APIFlask, spec: JsonObject
) -> Iterator[tuple[JsonObject, Callable[..., Any]]]:
    for rule in app.url_map.iter_rules():
        item = spec.get("paths", {}).get(CONVERTED.sub(r"{\1}", rule.rule), {})
        for method in rule.methods or ():
            if method.lower() in item:
                yield item[method.lower()], app.view_functions[rule.endpoint]
