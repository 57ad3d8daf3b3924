"""Organisations, people, and a venue that offers something."""

from console.story.stage import NotAsExpected, Stage
from console.story.webhooks import Receiver
from shared.auth.principal import Role

PRICE = 90


def staff_create_organisations(s: Stage) -> str:
    """Federation > branch > station, and a coordinator of each of the lower two."""
    federation = _organisation(s, "federation")
    s.branch = _organisation(s, "branch", parent_id=federation)
    s.station = _organisation(s, "station", parent_id=s.branch)
    s.coordinator = s.actor("coordinator", Role.COORDINATOR, organisation=s.station)
    s.second_coordinator = s.actor("second coordinator", Role.COORDINATOR, organisation=s.branch)
    return f"station {s.station}"


def _organisation(s: Stage, kind: str, **more: str) -> str:
    body = {"name": f"{kind} {s.run}", "kind": kind} | more
    return str(s.staff.create("/v1/organisations", body)["id"])


def two_people_register(s: Stage) -> str:
    """沈芳 and 王强 register on the web; staff activate them."""
    s.fang, s.qiang = s.volunteer("沈芳"), s.volunteer("王强")
    s.fang.get(f"/v1/volunteers/{s.fang.id}/hours")
    s.qiang.get(f"/v1/volunteers/{s.fang.id}/hours", expect=(404,))
    return "nobody sees another's hours"


def a_venue_offers_something(s: Stage) -> str:
    """A cinema, a product with stock, and the rules."""
    cinema = {"name": f"星光影城 {s.run}", "kind": "cinema"}
    venue = s.staff.create("/v1/venues", cinema)["id"]
    product = {"venue_id": venue, "title": "电影票", "points": PRICE, "stock": 100}
    s.product = s.staff.create("/v1/products", product | {"valid_days": 90})["id"]
    s.staff.create("/v1/rules", {"kind": "earn", "minutes": 1, "points": 1})
    s.staff.create("/v1/rules", {"kind": "issue", "product_id": s.product})
    s.fang.post("/v1/rules", {"kind": "earn", "minutes": 1, "points": 9}, expect=(403,))
    return "1 minute = 1 point; a volunteer may not change that"


def another_system_subscribes(s: Stage) -> str:
    """Staff subscribe a webhook for issued vouchers.

    Not played where the installation may not reach this machine.
    """
    receiver = Receiver()
    body = {"url": receiver.url, "events": ["voucher.issued"]}
    try:
        made = s.staff.create("/v1/subscriptions", body)
    except NotAsExpected as refused:
        if "answered 422" not in str(refused):
            raise
        s.receiver = None
        return "not played: this installation refuses private addresses, as it should in production"
    receiver.secret = made["secret"]
    s.receiver, s.subscription = receiver, made["id"]
    return receiver.url
