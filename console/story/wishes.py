"""A wish is hung, claimed by one giver, granted and confirmed."""

import json
import secrets

from console.story.stage import Stage, eventually, must, step


@step
def a_wish_is_hung(s: Stage) -> str:
    """陈奶奶 wishes; the station verifies and publishes; the public sees no name and no phone."""
    canary, phone = f"陈奶奶{s.run}", f"137{secrets.randbelow(10**8):08}"
    body = {
        "title": "想要一件过冬棉衣",
        "description": "红色，中号",
        "category": "clothing",
        "station_id": s.station,
        "beneficiary": {"name": canary, "phone": phone, "age_band": "60+", "consent": True},
    }
    wish = s.anyone.post("/v1/wishes", body, expect=(201,))
    must(wish["status"] == "submitted", "a new wish is submitted", wish)
    s.made["wish"] = wish["id"]
    s.anyone.get(f"/v1/wishes/{s.wish}", expect=(404,))
    s.staff.put(f"/v1/wishes/{s.wish}/verification")
    published = s.staff.put(f"/v1/wishes/{s.wish}/publication")
    must(published["status"] == "published", "the wish is on the tree", published)
    shown = json.dumps(s.anyone.get(f"/v1/wishes/{s.wish}"), ensure_ascii=False)
    must(canary not in shown and phone not in shown, "nobody in need is named in public", shown)
    return "待认领"


@step
def it_has_one_giver(s: Stage) -> str:
    """沈芳 leases it; 王强 is told it is taken; the fence guards the fulfilment; the station
    confirms.
    """
    path = f"/v1/wishes/{s.wish}"
    claim = s.fang.put(f"{path}/claim", {"claimer_id": s.fang.id, "claimer_kind": "volunteer"})
    must(claim["status"] == "claimed", "the wish is hers", claim)
    s.qiang.put(
        f"{path}/claim", {"claimer_id": s.qiang.id, "claimer_kind": "volunteer"}, expect=(409,)
    )
    s.fang.put(f"{path}/fulfilment", {"note": "已送到", "fence": claim["fence"] + 1}, expect=(409,))
    done = s.fang.put(f"{path}/fulfilment", {"note": "已送到站点", "fence": claim["fence"]})
    must(done["status"] == "fulfilled", "she says it is done", done)
    s.fang.put(f"{path}/confirmation", expect=(403, 404))
    confirmed = s.coordinator.put(f"{path}/confirmation")
    must(confirmed["status"] == "confirmed", "the station agrees", confirmed)
    eventually(
        lambda: s.fang.get(f"/v1/people/{s.fang.id}/alerts"),
        lambda a: any(i["topic"].startswith("wish") for i in a["items"]),
        "alerts about the wish",
    )
    return "已完成"
