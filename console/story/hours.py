"""From an activity to a voucher; hours of other systems; corrections."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from console.story.stage import (
    VERIFIED_RECORDS,
    Actor,
    Stage,
    account_when,
    alert_when,
    days_ago,
    eventually,
    must,
    period,
)


def an_activity_is_timed(s: Stage) -> str:
    """沈芳 gets the only seat, is checked in and out, and so has two verified hours. 王强 waits."""
    ended = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    times = {"starts_at": (ended - timedelta(hours=2)).isoformat(), "ends_at": ended.isoformat()}
    session = _publish_activity(s, {**times, "capacity": 1, "place": "文化礼堂"})
    _sign_up_both(s, session)
    s.coordinator.put(f"{session}/check-in/{s.fang.id}", {"at": times["starts_at"]})
    for _ in range(2):  # a move may be repeated
        s.coordinator.put(f"{session}/check-out/{s.fang.id}", {"at": times["ends_at"]})
    hours = s.fang.get(f"/v1/volunteers/{s.fang.id}/hours")
    must(hours["verified_minutes"] == 120, "120 verified minutes, once", hours)
    return "120 verified minutes"


def _sign_up_both(s: Stage, session: str) -> None:
    first = s.coordinator.put(f"{session}/sign-ups/{s.fang.id}")
    must(first["status"] == "confirmed", "the only seat is confirmed", first)
    second = s.coordinator.put(f"{session}/sign-ups/{s.qiang.id}")
    must(second["status"] == "waitlisted", "the second person waits for a seat", second)


def _publish_activity(s: Stage, session: Mapping[str, object]) -> str:
    """Create an activity with one session and publish it; returns the path of the session."""
    activity = s.coordinator.create(
        "/v1/activities",
        {
            "organisation_id": s.station,
            "title": f"社区夏令营 {s.run}",
            "kind": "service",
            "category": "tutoring",
            "risk_statement": "室内活动，注意用电安全",
        },
    )
    must(activity["status"] == "draft", "a new activity is a draft", activity)
    path = f"/v1/activities/{activity['id']}"
    created = s.staff.create(f"{path}/sessions", session)
    published = s.coordinator.put(f"{path}/publication")
    must(published["status"] == "published", "the activity is published", published)
    return f"/v1/sessions/{created['id']}"


def hours_become_a_voucher_and_an_alert(s: Stage) -> str:
    """hours.recorded -> points -> voucher.issued -> alert, without anybody waiting."""
    started = time.monotonic()
    account = account_when(s.fang, 120)
    vouchers = eventually(
        lambda: s.fang.get(f"/v1/vouchers?holder_id={s.fang.id}"), lambda v: v["items"], "a voucher"
    )
    took = time.monotonic() - started
    s.voucher = vouchers["items"][0]
    must(s.voucher["status"] == "issued", "the voucher is issued", s.voucher)
    must(account["points_available"] < 120, "points paid for it", account)
    alert = alert_when(
        s.fang, lambda a: a["topic"].startswith("voucher"), "an alert about the voucher"
    )
    s.qiang.get(f"/v1/people/{s.fang.id}/alerts", expect=(404,))
    return f"voucher after {took * 1000:.0f} ms; «{alert['text']}»"


def the_webhook_is_signed(s: Stage) -> str:
    """voucher.issued reaches the other system, signed, as a CloudEvent without personal data."""
    receiver = s.receiver
    if receiver is None:
        return "not played"
    event = eventually(
        lambda: receiver.verified_about(s.voucher["id"]), bool, "a webhook about the voucher"
    )
    must(event["type"] == "voucher.issued", "its type is the event's", event)
    s.staff.call("DELETE", f"/v1/subscriptions/{s.subscription}", expect=(200, 204))
    return f"event {event['id']}"


def another_system_sends_hours(s: Stage) -> str:
    """Verified hours earn, the same reference counts once, unverified hours wait for a person."""
    trusted = s.system("partner", VERIFIED_RECORDS)
    other = s.system("clinic", "records:write")
    start = days_ago(3, hour=1)
    first = _record(s) | period(start, 100)
    later = _record(s) | period(start + timedelta(hours=3), 60)
    s.record = _record_once(trusted, first)
    pending = other.create("/v1/service-records", later)
    must(pending["status"] == "pending", "without the scope it waits", pending)
    items = [later | {"reference": "R-2"}, first]
    batch = trusted.post("/v1/service-records:batch", {"items": items})
    must(len(batch["items"]) == 2, "an outcome for each item", batch)
    account_when(s.qiang, 100)
    return "100 minutes, once"


def _record_once(trusted: Actor, body: dict[str, str]) -> Any:
    """Send a record twice; returns it."""
    record = trusted.create("/v1/service-records", body)
    must(record["status"] == "recorded", "it is recorded at once", record)
    must(record["minutes"] == 100, "100 minutes are recorded", record)
    again = trusted.post("/v1/service-records", body)
    must(again["id"] == record["id"], "the same reference is the same record", again)
    return record


def _record(s: Stage) -> dict[str, str]:
    return {
        "volunteer_id": s.qiang.id,
        "organisation_id": s.station,
        "category": "community",
        "reference": "R-1",
    }


def points_follow_a_correction(s: Stage) -> str:
    """Two people correct the record; points follow, and no balance goes below zero."""
    body = period(days_ago(3, hour=1), 40) | {"reason": "早退"}
    path = f"/v1/service-records/{s.record['id']}/corrections"
    approval = f"/v1/corrections/{s.coordinator.create(path, body)['id']}/approval"
    # The person who asks for a correction may not approve it.
    s.coordinator.put(approval, {"decision": "approve"}, expect=(403, 404, 409))
    s.second_coordinator.put(approval, {"decision": "approve"})
    hours = s.qiang.get(f"/v1/volunteers/{s.qiang.id}/hours")
    must(hours["verified_minutes"] == 40, "the record has 40 minutes", hours)
    account = account_when(s.qiang, 40)
    must(account["points_available"] >= 0, "no balance goes below zero", account)
    return "40 minutes"
