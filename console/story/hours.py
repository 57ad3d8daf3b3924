"""From a registration to a voucher that is redeemed once; hours of other systems; corrections."""

import base64
import secrets
import time
from datetime import UTC, datetime, timedelta

from console.story.stage import Actor, NotAsItMustBe, Stage, eventually, must, step
from console.story.webhooks import Receiver, send_webhook
from shared.auth.principal import Role

PRICE = 90


@step
def the_network_stands(s: Stage) -> str:
    """Federation > branch > station, and a company."""
    made: dict[str, str] = {}
    parent = None
    for kind in ("federation", "branch", "station"):
        body = {
            "name": f"{kind} {s.run}",
            "kind": kind,
            **({"parent_id": parent} if parent else {}),
        }
        parent = made[kind] = s.staff.post("/v1/organisations", body, expect=(201,))["id"]
    s.made |= made
    s.made["coordinator"] = s.actor("coordinator", Role.COORDINATOR, organisation=s.station)
    s.made["second_coordinator"] = s.actor(
        "second coordinator", Role.COORDINATOR, organisation=s.branch
    )
    return f"station {s.station}"


@step
def two_people_register(s: Stage) -> str:
    """沈芳 and 王强 apply by web; staff activate them."""
    s.made["fang"], s.made["qiang"] = s.volunteer("沈芳"), s.volunteer("王强")
    s.fang.get(f"/v1/volunteers/{s.fang.id}/hours")
    s.qiang.get(f"/v1/volunteers/{s.fang.id}/hours", expect=(404,))
    return "nobody sees another's hours"


@step
def a_venue_offers_something(s: Stage) -> str:
    """A cinema, its secrets, a product with stock, and the rules."""
    venue = s.staff.post(
        "/v1/venues", {"name": f"星光影城 {s.run}", "kind": "cinema"}, expect=(201,)
    )["id"]
    product = {
        "venue_id": venue,
        "title": "电影票",
        "points": PRICE,
        "stock": 100,
        "valid_days": 90,
    }
    s.made["product"] = s.staff.post("/v1/products", product, expect=(201,))["id"]
    s.staff.post("/v1/rules", {"kind": "earn", "minutes": 1, "points": 1}, expect=(201,))
    s.staff.post("/v1/rules", {"kind": "issue", "product_id": s.product}, expect=(201,))
    s.fang.call("POST", "/v1/rules", {"kind": "earn", "minutes": 1, "points": 9}, expect=(403,))
    return "1 minute = 1 point; a volunteer may not change that"


@step
def other_systems_listen(s: Stage) -> str:
    """Staff subscribe a webhook for issued vouchers, if this installation may reach this
    machine.
    """
    s.made["ear"] = Receiver()
    body = {"url": s.ear.url, "events": ["voucher.issued"]}
    try:
        made = s.staff.post("/v1/subscriptions", body, expect=(201,))
    except NotAsItMustBe as refused:
        if "answered 422" not in str(refused):
            raise
        s.made["ear"] = None
        return "not played: this installation refuses private addresses, as it should in production"
    s.ear.secret = made["secret"]
    s.made["subscription"] = made["id"]
    return s.ear.url


@step
def an_activity_is_timed(s: Stage) -> str:
    """Published with a risk statement, signed up for, checked in and out: the hours are verified by
    themselves.
    """
    activity = s.coordinator.post(
        "/v1/activities",
        {
            "organisation_id": s.station,
            "title": f"社区夏令营 {s.run}",
            "kind": "service",
            "category": "tutoring",
            "risk_statement": "室内活动，注意用电安全",
        },
        expect=(201,),
    )
    must(activity["status"] == "draft", "a new activity is a draft", activity)
    end = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    times = {"starts_at": (end - timedelta(hours=2)).isoformat(), "ends_at": end.isoformat()}
    session = s.staff.post(
        f"/v1/activities/{activity['id']}/sessions",
        {**times, "capacity": 1, "place": "文化礼堂"},
        expect=(201,),
    )
    published = s.coordinator.put(f"/v1/activities/{activity['id']}/publication")
    must(published["status"] == "published", "the activity is published", published)
    signed = s.coordinator.put(f"/v1/sessions/{session['id']}/sign-ups/{s.fang.id}")
    must(signed["status"] == "confirmed", "the only seat is confirmed", signed)
    second = s.coordinator.put(f"/v1/sessions/{session['id']}/sign-ups/{s.qiang.id}")
    must(
        second["status"] == "waitlisted", "the second one waits: capacity is never exceeded", second
    )
    s.coordinator.put(
        f"/v1/sessions/{session['id']}/check-in/{s.fang.id}", {"at": times["starts_at"]}
    )
    for _ in range(2):  # a move may be repeated
        s.coordinator.put(
            f"/v1/sessions/{session['id']}/check-out/{s.fang.id}", {"at": times["ends_at"]}
        )
    hours = s.fang.get(f"/v1/volunteers/{s.fang.id}/hours")
    must(hours["verified_minutes"] == 120, "120 verified minutes, once", hours)
    return "120 verified minutes"


@step
def hours_became_a_voucher_and_an_alert(s: Stage) -> str:
    """hours.recorded -> points -> voucher.issued -> alert, without anybody waiting."""
    started = time.monotonic()
    account = eventually(
        lambda: s.fang.get(f"/v1/accounts/{s.fang.id}"),
        lambda a: a["minutes_credited"] == 120,
        "120 minutes credited",
    )
    vouchers = eventually(
        lambda: s.fang.get(f"/v1/vouchers?holder_id={s.fang.id}"), lambda v: v["items"], "a voucher"
    )
    s.made["voucher"] = vouchers["items"][0]
    must(s.voucher["status"] == "issued", "the voucher is issued", s.voucher)
    must(account["points_available"] < 120, "points paid for it", account)
    took = time.monotonic() - started
    alerts = eventually(
        lambda: s.fang.get(f"/v1/people/{s.fang.id}/alerts"),
        lambda a: any(i["topic"].startswith("voucher") for i in a["items"]),
        "an alert about the voucher",
    )
    s.qiang.get(f"/v1/people/{s.fang.id}/alerts", expect=(404,))
    text = next(i["text"] for i in alerts["items"] if i["topic"].startswith("voucher"))
    return f"voucher after {took * 1000:.0f} ms; «{text}»"


@step
def the_webhook_came_signed(s: Stage) -> str:
    """voucher.issued arrived at the other system, signed, as a CloudEvent without personal data."""
    if s.ear is None:
        return "not played"
    event = eventually(
        lambda: s.ear.verified_about(s.voucher["id"]), bool, "a webhook about the voucher"
    )
    must(event["type"] == "voucher.issued", "it says what happened", event)
    s.staff.call("DELETE", f"/v1/subscriptions/{s.subscription}", expect=(200, 204))
    return f"event {event['id']}"


@step
def only_the_holder_sees_the_code(s: Stage) -> str:
    path = f"/v1/vouchers/{s.voucher['id']}/code"
    s.made["code"] = s.fang.get(path)["code"]
    s.qiang.get(path, expect=(404,))
    s.staff.get(path, expect=(403, 404))
    return "neither another volunteer nor staff"


@step
def the_venue_redeems_once(s: Stage) -> str:
    """Checked at the counter, redeemed by signed webhook; replayed and tried again at the counter:
    told the same.
    """
    venue = s.staff.get(f"/v1/vouchers/{s.voucher['id']}")["venue_id"]
    key = s.staff.post(f"/v1/venues/{venue}/secrets", {"kind": "api_key"}, expect=(201,))["secret"]
    secret = s.staff.post(f"/v1/venues/{venue}/secrets", {"kind": "webhook"}, expect=(201,))[
        "secret"
    ]
    counter = Actor("venue", s.base_url, {"Api-Key": key})
    checked = counter.post("/v1/vouchers/check", {"code": s.code})
    must(
        checked["outcome"] not in ("unknown", "already_redeemed", "expired", "voided"),
        "the code is good",
        checked,
    )
    reference = f"POS-{s.run}"
    body = {
        "type": "redemption.confirmed",
        "timestamp": datetime.now(UTC).isoformat(),
        "data": {"code": s.code, "reference": reference},
    }
    message_id = f"msg_{secrets.token_hex(8)}"
    first = send_webhook(s.base_url, venue, secret, message_id, body)
    must(first == (200, "redeemed"), "the webhook redeems", first)
    must(
        send_webhook(s.base_url, venue, secret, message_id, body) == first,
        "a replay gets the same answer",
    )
    wrong = send_webhook(
        s.base_url, venue, "whsec_" + base64.b64encode(b"x" * 32).decode(), "msg_other", body
    )
    must(wrong[0] == 401, "another's signature is refused", wrong)
    again = counter.post("/v1/vouchers/redeem", {"code": s.code, "reference": f"OTHER-{s.run}"})
    must(again["outcome"] == "already_redeemed", "the counter is told that it was used", again)
    eventually(
        lambda: s.fang.get(f"/v1/people/{s.fang.id}/alerts"),
        lambda a: any("redeemed" in i["template"] for i in a["items"]),
        "an alert about the redemption",
    )
    trace = s.fang.get(f"/v1/vouchers/{s.voucher['id']}/trace")
    must(trace, "every minute is traceable from check-in to cinema seat", trace)
    return "redeemed once"


@step
def another_system_sends_hours(s: Stage) -> str:
    """Verified ones earn, the same reference counts once, unverified ones wait for a second
    person.
    """
    trusted = s.actor(
        f"partner-{s.run}", Role.SYSTEM, f"partner-{s.run}", scopes="records:write records:verified"
    )
    other = s.actor(f"clinic-{s.run}", Role.SYSTEM, f"clinic-{s.run}", scopes="records:write")
    day = datetime.now(UTC).replace(hour=1, minute=0, second=0, microsecond=0) - timedelta(days=3)
    body = {
        "volunteer_id": s.qiang.id,
        "organisation_id": s.station,
        "category": "community",
        "reference": "R-1",
        "started_at": day.isoformat(),
        "ended_at": (day + timedelta(minutes=100)).isoformat(),
    }
    record = trusted.post("/v1/service-records", body, expect=(201,))
    must(
        (record["status"], record["minutes"]) == ("recorded", 100),
        "100 minutes are recorded at once",
        record,
    )
    again = trusted.post("/v1/service-records", body)
    must(again["id"] == record["id"], "the same reference is the same record", again)
    later = {
        **body,
        "started_at": (day + timedelta(hours=3)).isoformat(),
        "ended_at": (day + timedelta(hours=4)).isoformat(),
    }
    pending = other.post("/v1/service-records", later, expect=(201,))
    must(pending["status"] == "pending", "without the scope it waits", pending)
    batch = trusted.post(
        "/v1/service-records:batch", {"items": [{**later, "reference": "R-2"}, body]}
    )
    must(len(batch["items"]) == 2, "an outcome for each item", batch)
    s.made["record"] = record
    eventually(
        lambda: s.qiang.get(f"/v1/accounts/{s.qiang.id}"),
        lambda a: a["minutes_credited"] == 100,
        "100 minutes credited",
    )
    return "100 minutes, once"


@step
def a_correction_is_followed(s: Stage) -> str:
    """Two people correct the record; points follow, nothing goes below zero."""
    start = datetime.fromisoformat(s.record["started_at"]) if "started_at" in s.record else None
    day = start or datetime.now(UTC).replace(hour=1, minute=0, second=0, microsecond=0) - timedelta(
        days=3
    )
    body = {
        "started_at": day.isoformat(),
        "ended_at": (day + timedelta(minutes=40)).isoformat(),
        "reason": "早退",
    }
    asked = s.coordinator.post(
        f"/v1/service-records/{s.record['id']}/corrections", body, expect=(201,)
    )
    s.coordinator.put(
        f"/v1/corrections/{asked['id']}/approval", {"decision": "approve"}, expect=(403, 404, 409)
    )
    s.second_coordinator.put(f"/v1/corrections/{asked['id']}/approval", {"decision": "approve"})
    hours = s.qiang.get(f"/v1/volunteers/{s.qiang.id}/hours")
    must(hours["verified_minutes"] == 40, "the record says 40 minutes", hours)
    account = eventually(
        lambda: s.qiang.get(f"/v1/accounts/{s.qiang.id}"),
        lambda a: a["minutes_credited"] == 40,
        "40 minutes credited",
    )
    must(account["points_available"] >= 0, "nobody's balance goes below zero", account)
    return "40 minutes"
