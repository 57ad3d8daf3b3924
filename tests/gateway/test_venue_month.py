"""What a venue does itself: hold and release a voucher, see its month, send its report.

Its key is kept nowhere.
"""

import re
from datetime import datetime
from io import BytesIO
from typing import Any

import pytest

from shared.core.clock import SITE
from tests.support.browsing import Centre
from tests.support.cinema import Cinema, code_of

MONTH = f"{datetime.now(SITE):%Y-%m}"


@pytest.fixture
def cinema(centre: Centre) -> Cinema:
    """沈芳 has a film."""
    cinema = Cinema(centre)
    cinema.reward(centre.volunteer())
    return cinema


def test_a_voucher_is_held_released_and_then_redeemed(centre: Centre, cinema: Cinema) -> None:
    code, till = code_of(centre.as_volunteer()), centre.browser()
    till.get("/counter")
    held = till.post("/counter", do="hold", key=cinema.key, code=code, reference="a")
    assert "已为您预留" in held.text
    found = re.search(r'data-hold="([0-9a-f-]{36})"', held.text)
    assert found
    hold: dict[str, Any] = {
        "key": cinema.key,
        "code": code,
        "reference": "a",
        "hold_id": found.group(1),
    }
    assert "预留已取消" in till.post("/counter", do="release", **hold).text
    assert (
        "可以核销"
        in till.post("/counter", do="check", key=cinema.key, code=code, reference="a").text
    )
    again = till.post("/counter", do="hold", key=cinema.key, code=code, reference="a").text
    hold["hold_id"] = re.findall(r'data-hold="([^"]+)"', again)[0]
    assert "核销成功" in till.post("/counter", do="redeem", **hold).text


def test_a_venue_sees_its_month_and_the_differences_from_its_report(
    centre: Centre, cinema: Cinema
) -> None:
    cinema.redeem(code_of(centre.as_volunteer()), "T-1")
    till = centre.browser()
    till.get("/counter/month")
    asked: dict[str, Any] = {"key": cinema.key, "venue_id": cinema.venue, "month": MONTH}
    page = till.post("/counter/month", do="show", **asked)
    assert page.status_code == 200
    assert "没有上传对账单" in page.text
    assert cinema.key not in page.text
    listed = asked | {
        "form_token": till.form_token(),
        "list": (BytesIO(b"reference\nT-1\nT-2\n"), "list.csv"),
    }
    sent = till.client.post("/counter/month/list", data=listed, headers=till.headers)
    assert sent.status_code == 200
    assert "T-2" in sent.text
    assert "本中心无此记录" in sent.text
    file = till.client.post(
        "/counter/month", data=asked | {"do": "csv", "form_token": till.form_token()}
    )
    assert "attachment" in file.headers["Content-Disposition"]
    assert "T-1" in file.get_data(as_text=True)


def test_another_venues_month_does_not_exist(centre: Centre, cinema: Cinema) -> None:
    rival = cinema.ok("/v1/venues", {"name": "Rival", "kind": "cinema"})["id"]
    till = centre.browser()
    till.get("/counter/month")
    for venue, month, key, status in (
        (rival, MONTH, cinema.key, 404),
        (cinema.venue, MONTH, "wrong", 401),
        ("x", MONTH, cinema.key, 404),
        (cinema.venue, "2026-99", cinema.key, 404),
    ):
        for path in ("/counter/month", "/counter/month/list"):
            till.get("/counter/month")
            assert (
                till.post(path, do="show", key=key, venue_id=venue, month=month).status_code
                == status
            )


def test_only_the_pages_that_take_lists_take_large_forms(centre: Centre) -> None:
    till = centre.browser()
    till.get("/counter/month")
    large = {"form_token": till.form_token(), "list": (BytesIO(b"x" * 200_000), "list.csv")}
    assert till.client.post("/counter", data=large, headers=till.headers).status_code == 413
    large = {"form_token": till.form_token(), "list": (BytesIO(b"x" * 200_000), "list.csv")}
    assert (
        till.client.post("/counter/month/list", data=large, headers=till.headers).status_code == 404
    )
