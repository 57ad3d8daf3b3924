"""What else points and vouchers can do: exchange, gift, settlement and audit."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from console.story.stage import (
    VERIFIED_RECORDS,
    Actor,
    Stage,
    account_when,
    days_ago,
    eventually,
    must,
    period,
)
from shared.auth.principal import Role


def points_are_exchanged(s: Stage) -> str:
    """沈芳 earns 30 minutes more and exchanges all her points for a swim. Her hours stay."""
    _send_half_an_hour(s)
    price = account_when(s.fang, 150)["points_available"]
    s.venue = s.staff.get(f"/v1/vouchers/{s.voucher['id']}")["venue_id"]
    s.swim = _offer_swim(s, price)
    s.fang.post("/v1/exchanges", {"product_id": s.swim}, expect=(200, 201))
    s.fang.post("/v1/exchanges", {"product_id": s.swim}, expect=(409,))
    account = s.fang.get(f"/v1/accounts/{s.fang.id}")
    must(account["points_available"] == 0, "the points became a swim", account)
    must(account["minutes_credited"] == 150, "an exchange never lowers recorded hours", account)
    s.swim_voucher = next(filter(_is_of(s.swim), _held_by(s.fang)))
    return f"{price} points, a swim"


def _held_by(actor: Actor) -> list[Any]:
    """The vouchers that somebody can use."""
    page = actor.get(f"/v1/vouchers?holder_id={actor.id}&status=issued")
    return list(page["items"])


def _is_of(product: str) -> Callable[[Any], bool]:
    return lambda voucher: bool(voucher["product_id"] == product)


def _send_half_an_hour(s: Stage) -> None:
    record = {
        "volunteer_id": s.fang.id,
        "organisation_id": s.station,
        "category": "reading",
        "reference": f"L-{s.run}",
    }
    library = s.system("library", VERIFIED_RECORDS)
    library.create("/v1/service-records", record | period(days_ago(2, hour=2), 30))


def _offer_swim(s: Stage, points: int) -> str:
    """A product that is issued only in an exchange."""
    product = {"venue_id": s.venue, "title": "游泳一次", "points": points, "stock": 10}
    swim = s.staff.create("/v1/products", product | {"valid_days": 90})["id"]
    s.staff.create("/v1/rules", {"kind": "issue", "product_id": swim, "automatic": False})
    return str(swim)


def a_voucher_is_given_through_the_pool(s: Stage) -> str:
    """沈芳 gives the swim to the pool; 王强 requests one and gets it; the old code is void."""
    path = f"/v1/vouchers/{s.swim_voucher['id']}"
    old_code = s.fang.get(f"{path}/code")["code"]
    s.qiang.post(f"{path}/gift", {"to": "pool", "named": False}, expect=(404,))
    s.fang.post(f"{path}/gift", {"to": "pool", "named": False}, expect=(200, 201))
    gift = _allocate_to_qiang(s)
    s.till = s.with_key("till", s.key_of(s.venue, "api_key"))
    dead = s.till.post("/v1/vouchers/check", {"code": old_code})
    must(dead["outcome"] == "voided", "the giver's code is void", dead)
    new_code = s.qiang.get(f"/v1/vouchers/{gift}/code")["code"]
    redeemed = s.till.post("/v1/vouchers/redeem", {"code": new_code, "reference": f"SWIM-{s.run}"})
    must(redeemed["outcome"] == "redeemed", "the receiver's code works", redeemed)
    return "given, received, used"


def _allocate_to_qiang(s: Stage) -> str:
    """Request, allocate; returns the id of the voucher that 王强 holds then."""
    s.qiang.create("/v1/pool/requests", {"product_id": s.swim, "need": "other"})
    s.staff.post("/v1/pool/allocations", {})
    held = eventually(
        lambda: list(filter(_is_of(s.swim), _held_by(s.qiang))), bool, "the swim in his wallet"
    )
    return str(held[0]["id"])


def a_rule_change_is_simulated(s: Stage) -> str:
    """A dry run shows who would gain from double points for tutoring, and changes nothing."""
    double = {"kind": "coefficient", "category": "tutoring", "percent": 200}
    proposal = {"rules": [double], "since": days_ago(2, hour=0).date().isoformat()}
    path = f"/v1/accounts/{s.fang.id}"
    before = s.fang.get(path)
    found = s.staff.post("/v1/rules/dry-run", proposal)
    must("points" in str(found), "the dry run shows what it would give", found)
    must(s.fang.get(path) == before, "nothing has changed")
    s.fang.post("/v1/rules/dry-run", proposal, expect=(403,))
    explained = s.fang.get(f"{path}/explain")
    must(explained["matches"] is True, "its records explain the account", explained)
    return "simulated, not applied"


def the_month_has_a_settlement_statement(s: Stage) -> str:
    """Two redemptions are in the venue's month, which cannot be closed before it is over."""
    month = f"{datetime.now(ZoneInfo('Asia/Shanghai')):%Y-%m}"
    path = f"/v1/settlements/{s.venue}/{month}"
    statement = s.till.get(path)
    must(statement["totals"]["redemptions"] >= 2, "film and swim are in it", statement)
    references = [line["reference"] for line in statement["lines"]]
    is_listed = f"SWIM-{s.run}" in references or statement["next"]  # or it is on a later page
    must(is_listed, "each voucher has a line", statement)
    s.staff.put(f"{path}/closing", {}, expect=(409,))
    s.qiang.get(path, expect=(403, 404))
    return month


def the_journal_is_sealed(s: Stage) -> str:
    """The transfers so far are chained; an audit replays the chain and finds no error."""
    auditor = s.actor("auditor", Role.AUDITOR)
    audit = eventually(
        lambda: auditor.get("/v1/ledger/audit"),
        lambda a: a["finding"] or a["checked_to"] or a["next"],
        "a first seal",
    )
    must(audit["finding"] is None, "the chain is whole", audit)
    s.fang.get("/v1/ledger/audit", expect=(403,))
    return f"checked to seal {audit['checked_to']}"
