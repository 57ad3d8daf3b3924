"""What several pages ask for, and how they read it."""

from typing import Any

from flask import request

from gateway.client import ApiRequest, get
from gateway.refusals import Missing
from shared.core.json import JsonObject

PAGE = 20
VENUES = get("/v1/venues", limit=200)
PRODUCTS = get("/v1/products", limit=200)
VENUE_NAMES, PRODUCT_NAMES = VENUES.as_part(), PRODUCTS.as_part()
"""For pages that only show the names: without them the rest is of use."""


def get_page(path: str, **query: Any) -> ApiRequest:
    """A list, from where the page before it ended."""
    return get(path, **{"limit": PAGE, "after": request.args.get("after")} | query)


def account_of(volunteer_id: str) -> ApiRequest:
    """An account opens when the event about its volunteer arrives; until then it is empty."""
    return get(f"/v1/accounts/{volunteer_id}").or_else({})


def need_one_of(*parts: Any) -> None:
    """Raise what the first says if every part of a page is missing: nothing is left to show."""
    if all(isinstance(part, Missing) for part in parts):
        raise parts[0].refusal


def names_by_id(page: JsonObject | Missing, field: str = "name") -> dict[str, str]:
    """Nothing for a missing part: the page shows an empty name."""
    if isinstance(page, Missing):
        return {}
    return {item["id"]: item[field] for item in page["items"]}


def titles_by_id(page: JsonObject | Missing) -> dict[str, str]:
    return names_by_id(page, "title")
