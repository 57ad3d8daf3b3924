"""The OpenAPI document says what the code enforces: who may call, and that errors are problem
documents.
"""

from collections.abc import Callable, Iterable
from typing import Any

from apiflask import APIFlask


def finish_spec(app: APIFlask, spec: dict[str, Any]) -> dict[str, Any]:
    """Say in the document what the code enforces: who may call, and that errors are problem
    documents.
    """
    problem = {
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
    spec.setdefault("components", {}).setdefault("schemas", {})["Problem"] = problem
    answer = {
        "description": "A problem document (RFC 9457)",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
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
    """APIFlask's own error schemas; what a route documents by itself (OAuth2 errors are no problem
    documents) stays.
    """
    return "application/json" not in response.get("content", {}) or "Error" in str(
        response["content"]
    )


def _operations_of(
    app: APIFlask, spec: dict[str, Any]
) -> Iterable[tuple[dict[str, Any], Callable[..., Any]]]:
    import re

    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
        for method in rule.methods or ():
            operation = spec.get("paths", {}).get(path, {}).get(method.lower())
            if operation is not None:
                yield operation, app.view_functions[rule.endpoint]
