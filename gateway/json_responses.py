"""JSON that the gateway answers itself, where no service is asked or none answers."""

import json
from collections.abc import Mapping

from werkzeug.wrappers import Response

PROBLEM = "application/problem+json"


def json_response(
    body: Mapping[str, object], status: int = 200, content_type: str = "application/json"
) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), status, content_type=content_type)


def problem_response(slug: str, title: str, status: int, detail: str = "") -> Response:
    """An RFC 9457 document, as the services write them."""
    body = {"type": f"/problems/{slug}", "title": title, "status": status}
    if detail:
        body["detail"] = detail
    return json_response(body, status, PROBLEM)
