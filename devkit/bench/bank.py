"""A venue, a product and the rules that several benchmarks need."""

from collections.abc import Mapping
from uuid import UUID

from devkit.testkit import District
from shared.core.ids import new_id

PEOPLE = 1_000
PRICE = 120


def make_venue_and_rules(district: District) -> list[UUID]:
    """Make a venue, a product with plenty of stock and the rules; returns ids for people."""
    venue = _post(district, "/v1/venues", {"name": "星光影城", "kind": "cinema"})
    product = {"venue_id": venue, "title": "电影票", "points": PRICE, "stock": 1_000_000}
    product_id = _post(district, "/v1/products", product | {"valid_days": 90})
    _post(district, "/v1/rules", {"kind": "earn", "minutes": 1, "points": 1})
    _post(district, "/v1/rules", {"kind": "issue", "product_id": product_id})
    return [new_id() for _ in range(PEOPLE)]


def _post(district: District, path: str, body: Mapping[str, object]) -> str:
    """Create something in rewards as staff; returns its id."""
    response = district.rewards.call("POST", path, body, as_=district.token("staff"))
    assert response.status_code == 201, response.get_json()
    return str(response.get_json()["id"])
