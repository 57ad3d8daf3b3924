"""What several pages ask for, and how they read it."""

from typing import Any

from flask import request

from gateway.client import ApiRequest, get
from shared.core.json import JsonObject

PAGE = 20
VENUES = get("/v1/venues", limit=200)
PRODUCTS = get("/v1/products", limit=200)


def get_page(path: str, **query: Any) -> ApiRequest:
    """A list, from where the page before it ended."""
    return get(path, **{"limit": PAGE, "after": request.args.get("after")} | query)


def account_of(volunteer_id: str) -> ApiRequest:
    """An account opens when the event about its volunteer arrives; until then it is empty."""
    return get(f"/v1/accounts/{volunteer_id}").or_else({})


def names_by_id(page: JsonObject, field: str = "name") -> dict[str, str]:
    return {item["id"]: item[field] for item in page["items"]}


def titles_by_id(page: JsonObject) -> dict[str, str]:
    return names_by_id(page, "title")
