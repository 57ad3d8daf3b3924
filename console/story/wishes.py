"""A wish is published, claimed by one volunteer, fulfilled and confirmed."""

import json
import secrets

from console.story.stage import Actor, Stage, alert_when, must


def a_wish_is_published(s: Stage) -> str:
    """陈奶奶 has a wish; staff verify and publish it; the public sees no name and no phone."""
    name, phone = f"陈奶奶{s.run}", f"137{secrets.randbelow(10**8):08}"
    body = {
        "title": "想要一件过冬棉衣",
        "description": "红色，中号",
        "category": "clothing",
        "station_id": s.station,
        "beneficiary": {"name": name, "phone": phone, "age_band": "60+", "consent": True},
    }
    wish = s.anyone.create("/v1/wishes", body)
    must(wish["status"] == "submitted", "a new wish is submitted", wish)
    s.wish = f"/v1/wishes/{wish['id']}"
    s.anyone.get(s.wish, expect=(404,))
    s.staff.put(f"{s.wish}/verification")
    published = s.staff.put(f"{s.wish}/publication")
    must(published["status"] == "published", "the wish is on the tree", published)
    shown = json.dumps(s.anyone.get(s.wish), ensure_ascii=False)
    must(name not in shown and phone not in shown, "the beneficiary is not named in public", shown)
    return "待认领"


def one_volunteer_fulfils_it(s: Stage) -> str:
    """沈芳 claims the wish, 王强 cannot; she fulfils it, and the station confirms.

    The fence, a number that grows with each claim, keeps an earlier claimer from fulfilling it.
    """
    fence = _claim(s)
    s.fang.put(f"{s.wish}/fulfilment", {"note": "已送到", "fence": fence + 1}, expect=(409,))
    fulfilled = s.fang.put(f"{s.wish}/fulfilment", {"note": "已送到站点", "fence": fence})
    must(fulfilled["status"] == "fulfilled", "she reports it as fulfilled", fulfilled)
    s.fang.put(f"{s.wish}/confirmation", expect=(403, 404))
    confirmed = s.coordinator.put(f"{s.wish}/confirmation")
    must(confirmed["status"] == "confirmed", "the station confirms", confirmed)
    alert_when(s.fang, lambda a: a["topic"].startswith("wish"), "alerts about the wish")
    return "已完成"


def _claim(s: Stage) -> int:
    """Claim the wish for 沈芳; returns the fence of the claim."""
    claim = s.fang.put(f"{s.wish}/claim", _claimer(s.fang))
    must(claim["status"] == "claimed", "the wish is hers", claim)
    s.qiang.put(f"{s.wish}/claim", _claimer(s.qiang), expect=(409,))
    return int(claim["fence"])


def _claimer(actor: Actor) -> dict[str, str]:
    return {"claimer_id": actor.id, "claimer_kind": "volunteer"}
