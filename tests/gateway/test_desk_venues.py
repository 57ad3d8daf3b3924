"""Venues at the desk: onboarding, keys shown once, suspension, terms, days without admission."""

import re
from datetime import datetime, timedelta
from typing import Any

from shared.core.clock import SITE
from tests.support.browsing import Centre
from tests.support.cinema import Cinema, code_of, forms

TODAY = datetime.now(SITE).date()


def test_a_venue_is_added_and_its_page_lists_the_next_steps(centre: Centre) -> None:
    staff = centre.as_staff()
    staff.get("/desk/venues")
    place = staff.post("/desk/venues", name="柯城游泳馆", kind="pool").headers["Location"]
    page = staff.get(place).text
    assert "下一步" in page
    assert page.count("未完成") == 4
    assert staff.post("/desk/venues", name="", kind="pool").status_code == 422


def test_a_key_is_shown_once_and_may_do_only_what_was_ticked(centre: Centre) -> None:
    cinema, fang = Cinema(centre), centre.volunteer()
    cinema.reward(fang)
    staff, path = centre.as_staff(), f"/desk/venues/{cinema.venue}"
    staff.get(path)
    form: dict[str, Any] = {
        "kind": "api_key",
        "label": "2 号收银台",
        "scopes": "vouchers:check",
        "days": "30",
    }
    made = staff.post(f"{path}/secrets", **form)
    found = re.search(r'class="code">([^<]+)<', made.text)
    assert found
    key = found.group(1)
    listed = staff.get(path).text
    assert "2 号收银台" in listed
    assert key not in listed
    code, till = code_of(centre.as_volunteer()), centre.browser()
    till.get("/counter")
    assert "可以核销" in till.post("/counter", do="check", key=key, code=code, reference="a").text
    assert till.post("/counter", do="redeem", key=key, code=code, reference="a").status_code == 403
    for end in forms(listed, "/end"):
        assert staff.post(end).headers["Location"] == f"{path}?done=secret-ended"
    assert till.post("/counter", do="check", key=key, code=code, reference="a").status_code == 401
    assert len(cinema.vouchers(fang)) == 1


def test_a_suspended_venue_redeems_nothing_until_its_suspension_ends(centre: Centre) -> None:
    cinema, fang = Cinema(centre), centre.volunteer()
    cinema.reward(fang)
    code, till, staff = code_of(centre.as_volunteer()), centre.browser(), centre.as_staff()
    path = f"/desk/venues/{cinema.venue}"
    till.get("/counter")
    staff.get(path)
    assert (
        staff.post(f"{path}/suspension", do="suspend").headers["Location"]
        == f"{path}?done=venue-suspended"
    )
    assert "已暂停" in staff.get(path).text
    assert (
        till.post("/counter", do="redeem", key=cinema.key, code=code, reference="a").status_code
        == 403
    )
    assert (
        staff.post(f"{path}/suspension", do="end").headers["Location"]
        == f"{path}?done=venue-active"
    )
    assert (
        "核销成功"
        in till.post("/counter", do="redeem", key=cinema.key, code=code, reference="a").text
    )


def test_on_a_day_without_admission_the_counter_names_the_next_one(centre: Centre) -> None:
    cinema, fang = Cinema(centre), centre.volunteer()
    cinema.reward(fang)
    code, till, staff = code_of(centre.as_volunteer()), centre.browser(), centre.as_staff()
    path, tomorrow = f"/desk/products/{cinema.product}", TODAY + timedelta(days=1)
    staff.get(path)
    terms: dict[str, Any] = {
        "valid_days": "30",
        "cost": "25.50",
        "daily_quota": "",
        "blackout_days": f"{TODAY}",
    }
    assert (
        staff.post(f"{path}/terms", **terms).headers["Location"] == "/desk/products?done=terms-set"
    )
    page = staff.get(path).text
    assert 'value="25.50"' in page
    assert f'value="{TODAY}"' in page
    till.get("/counter")
    refused = till.post("/counter", do="redeem", key=cinema.key, code=code, reference="a")
    assert refused.status_code == 409
    assert f"{tomorrow.year}年{tomorrow.month}月{tomorrow.day}日" in refused.text
    assert len(cinema.vouchers(fang)) == 1
    assert staff.post(f"{path}/terms", **(terms | {"blackout_days": "tomorrow"})).status_code == 422
    assert staff.post(f"{path}/terms", **(terms | {"cost": "a lot"})).status_code == 422


def test_a_product_is_added_with_its_terms(centre: Centre) -> None:
    cinema, staff = Cinema(centre), centre.as_staff()
    staff.get("/desk/products")
    form: dict[str, Any] = {
        "venue_id": cinema.venue,
        "title": "爆米花",
        "points": "30",
        "stock": "10",
        "valid_days": "7",
        "cost": "8",
        "daily_quota": "5",
    }
    assert (
        staff.post("/desk/products", **form).headers["Location"]
        == "/desk/products?done=product-added"
    )
    assert "爆米花" in staff.get("/desk/products").text
    assert staff.post("/desk/products", **(form | {"points": "0"})).status_code == 422
