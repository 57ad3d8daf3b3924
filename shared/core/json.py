"""The type of JSON whose fields this code does not define."""

from typing import Any

JsonObject = dict[str, Any]
"""A JSON object that another program or a specification defines: a part of an OpenAPI document,
the claims of a token, the data of an event, or the answer of another service."""
