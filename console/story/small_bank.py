"""What hours can become beyond a voucher of one's own: exchanged, left to somebody, settled, and
all of it audited.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from console.story.stage import Actor, Stage, eventually, must, step
from shared.auth.principal import Role


@step
def points_are_exchanged(s: Stage) -> str:
    """沈芳 helps once more: what she has now is the price of a swim, on request, and her hours stay
    what they are.
    """
    partner = s.actor(
        f"library-{s.run}", Role.SYSTEM, f"library-{s.run}", scopes="records:write records:verified"
    )
    begun = datetime.now(UTC).replace(hour=2, minute=0, second=0, microsecond=0) - timedelta(days=2)
    partner.post(
        "/v1/service-records",
        {
            "volunteer_id": s.fang.id,
            "organisation_id": s.station,
            "category": "reading",
            "reference": f"L-{s.run}",
            "started_at": begun.isoformat(),
            "ended_at": (begun + timedelta(minutes=30)).isoformat(),
        },
        expect=(201,),
    )
    account = eventually(
        lambda: s.fang.get(f"/v1/accounts/{s.fang.id}"),
        lambda a: a["minutes_credited"] == 150,
        "150 minutes credited",
    )
    price = account["points_available"]
    venue = s.staff.get(f"/v1/vouchers/{s.voucher['id']}")["venue_id"]
    body = {"venue_id": venue, "title": "游泳一次", "points": price, "stock": 10, "valid_days": 90}
    s.made["venue"], s.made["swim"] = venue, s.staff.post("/v1/products", body, expect=(201,))["id"]
    s.staff.post(
        "/v1/rules", {"kind": "issue", "product_id": s.swim, "automatic": False}, expect=(201,)
    )
    s.fang.post("/v1/exchanges", {"product_id": s.swim}, expect=(200, 201))
    s.fang.post("/v1/exchanges", {"product_id": s.swim}, expect=(409,))
    account = s.fang.get(f"/v1/accounts/{s.fang.id}")
    must(account["points_available"] == 0, "the points became a swim", account)
    must(account["minutes_credited"] == 150, "an exchange never lowers recorded hours", account)
    held = s.fang.get(f"/v1/vouchers?holder_id={s.fang.id}&status=issued")["items"]
    s.made["swim_voucher"] = next(v for v in held if v["product_id"] == s.swim)
    return f"{price} points, a swim"


@step
def a_voucher_is_left_to_somebody(s: Stage) -> str:
    """沈芳 leaves the swim in the pool; 王强 asks and gets it by the fair order; the old code is
    dead.
    """
    path = f"/v1/vouchers/{s.swim_voucher['id']}"
    old_code = s.fang.get(f"{path}/code")["code"]
    s.qiang.post(f"{path}/gift", {"to": "pool", "named": False}, expect=(404,))
    s.fang.post(f"{path}/gift", {"to": "pool", "named": False}, expect=(200, 201))
    s.qiang.post("/v1/pool/requests", {"product_id": s.swim, "need": "other"}, expect=(201,))
    s.staff.post("/v1/pool/allocations", {})
    mine = eventually(
        lambda: s.qiang.get(f"/v1/vouchers?holder_id={s.qiang.id}&status=issued")["items"],
        lambda items: any(v["product_id"] == s.swim for v in items),
        "the swim in his wallet",
    )
    s.made["gift"] = next(v for v in mine if v["product_id"] == s.swim)
    key = s.staff.post(f"/v1/venues/{s.venue}/secrets", {"kind": "api_key"}, expect=(201,))[
        "secret"
    ]
    s.made["till"] = Actor("till", s.base_url, {"Api-Key": key})
    dead = s.till.post("/v1/vouchers/check", {"code": old_code})
    must(dead["outcome"] == "voided", "the giver's code is dead", dead)
    new_code = s.qiang.get(f"/v1/vouchers/{s.gift['id']}/code")["code"]
    redeemed = s.till.post("/v1/vouchers/redeem", {"code": new_code, "reference": f"SWIM-{s.run}"})
    must(redeemed["outcome"] == "redeemed", "the receiver's code works", redeemed)
    return "given, received, used"


@step
def rules_are_tried_before_they_hold(s: Stage) -> str:
    """A dry run says who would gain from double points for tutoring, and changes nothing."""
    since = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    before = s.fang.get(f"/v1/accounts/{s.fang.id}")
    proposal = {
        "rules": [{"kind": "coefficient", "category": "tutoring", "percent": 200}],
        "since": since,
    }
    found = s.staff.post("/v1/rules/dry-run", proposal)
    must("points" in str(found), "the dry run says what it would give", found)
    must(s.fang.get(f"/v1/accounts/{s.fang.id}") == before, "nothing has changed")
    s.fang.post("/v1/rules/dry-run", proposal, expect=(403,))
    explained = s.fang.get(f"/v1/accounts/{s.fang.id}/explain")
    must(explained["matches"] is True, "the account is what its records explain", explained)
    return "tried, not applied"


@step
def the_month_has_a_statement(s: Stage) -> str:
    """Two redemptions stand in the venue's month; it cannot be closed before it is over."""
    month = f"{datetime.now(ZoneInfo('Asia/Shanghai')):%Y-%m}"
    path = f"/v1/settlements/{s.venue}/{month}"
    statement = s.till.get(path)
    must(statement["totals"]["redemptions"] >= 2, "film and swim are in it", statement)
    must(
        any(line["reference"] == f"SWIM-{s.run}" for line in statement["lines"])
        or statement["next"],
        "voucher by voucher",
        statement,
    )
    s.staff.put(f"{path}/closing", {}, expect=(409,))
    s.qiang.get(path, expect=(403, 404))
    return month


@step
def the_journal_is_sealed(s: Stage) -> str:
    """Every transfer so far is chained; an audit replays the chain and finds nothing."""
    auditor = s.actor("auditor", Role.AUDITOR)
    audit = eventually(
        lambda: auditor.get("/v1/ledger/audit"),
        lambda a: a["finding"] or a["checked_to"] or a["next"],
        "a first seal",
    )
    must(audit["finding"] is None, "the chain is whole", audit)
    s.fang.get("/v1/ledger/audit", expect=(403,))
    return f"checked to seal {audit['checked_to']}"
