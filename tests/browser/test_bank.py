"""The pages of the small bank at phone size: readable in light and dark, and usable."""

import re
from typing import Any

import pytest

from tests.browser.test_pages import CONTRASTS, open_page  # noqa: F401 - a fixture
from tests.support.browsing import PASSWORD, Centre
from tests.support.cinema import Cinema

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 800}}
NARROW = {"viewport": {"width": 320, "height": 640}}


def log_in(page: Any, centre: Centre, phone: str = "13800000011") -> None:
    page.goto("/login")
    page.fill("#phone", phone)
    page.keyboard.press("Enter")
    page.wait_for_selector("#code:focus")
    page.keyboard.type(centre.code_sent_to(phone))
    page.keyboard.press("Enter")
    page.wait_for_url("**/me")


def log_in_staff(page: Any, centre: Centre) -> None:
    centre.as_staff()
    page.goto("/login")
    page.fill("#login", "lijing")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk")


def assert_readable(page: Any) -> None:
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
    assert page.evaluate(CONTRASTS) == [], page.url
    unnamed = page.evaluate("""() =>
        [...document.querySelectorAll("input:not([type=hidden]), select")]
        .filter((e) => !e.labels.length && !e.ariaLabel).map((e) => e.name)""")
    assert unnamed == [], page.url
    twice = page.evaluate("""() => [...document.querySelectorAll("[id]")].map((e) => e.id)
        .filter((id, i, all) => all.indexOf(id) !== i)""")
    assert twice == [], page.url
    assert page.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_volunteers_pages_fit_a_phone_and_can_be_read(
    centre: Centre,
    open_page: Any,  # noqa: F811
    scheme: str,
) -> None:
    cinema, fang = Cinema(centre), centre.volunteer()
    cinema.reward(fang, day=1)
    cinema.reward(fang, day=2)
    (voucher, _) = cinema.vouchers(fang)
    page = open_page("/", color_scheme=scheme, **NARROW)
    log_in(page, centre)
    for path in (
        "/wallet",
        f"/wallet/{voucher['id']}",
        "/wallet/exchange",
        "/wallet/statement",
        "/wallet/hours",
        "/pool",
        "/counter",
        "/counter/month",
        "/me",
    ):
        page.goto(path)
        assert_readable(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_desk_fits_a_phone_and_can_be_read(centre: Centre, open_page: Any, scheme: str) -> None:  # noqa: F811
    cinema, fang = Cinema(centre), centre.volunteer()
    cinema.reward(fang)
    page = open_page("/", color_scheme=scheme, **NARROW)
    log_in_staff(page, centre)
    for path in (
        "",
        "/rules",
        "/rules/new/earn",
        "/rules/new/limit",
        "/products",
        f"/products/{cinema.product}",
        "/venues",
        f"/venues/{cinema.venue}",
        f"/settlement/{cinema.venue}/2026-10",
        "/disputes",
        "/pool",
        "/vouchers",
        "/audit?books=yes",
        "/system",
    ):
        page.goto(f"/desk{path}")
        assert_readable(page)


def test_a_voucher_is_given_to_the_pool_by_keyboard(centre: Centre, open_page: Any) -> None:  # noqa: F811
    cinema, fang = Cinema(centre), centre.volunteer()
    cinema.reward(fang)
    page = open_page("/", **PHONE)
    log_in(page, centre)
    page.goto("/wallet")
    page.get_by_role("link", name=re.compile("转赠")).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**#give")
    assert page.is_checked("#to_pool")
    assert not page.is_checked("#named")
    page.get_by_role("button", name="确认转赠").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/wallet?done=given-to-pool")
    assert "原券码已失效" in page.inner_text("[role=status]")
    assert cinema.vouchers(fang) == []
    assert page.complaints == []


def test_points_are_exchanged_and_the_code_is_shown_on_demand(
    centre: Centre,
    open_page: Any,  # noqa: F811
) -> None:
    cinema, fang = Cinema(centre, automatic=False), centre.volunteer()
    cinema.reward(fang)
    page = open_page("/", **PHONE)
    log_in(page, centre)
    page.goto("/wallet/exchange")
    page.get_by_role("button", name=re.compile("兑换")).click()
    page.wait_for_url("**/wallet?done=exchanged")
    assert page.locator(".qr").count() == 0
    page.get_by_role("button", name=re.compile("显示券码")).click()
    page.wait_for_selector(".qr svg")
    assert len(cinema.vouchers(fang)) == 1
    assert page.complaints == []


def test_staff_settle_a_month_and_see_that_it_is_closed(centre: Centre, open_page: Any) -> None:  # noqa: F811
    cinema = Cinema(centre)
    page = open_page("/", **PHONE)
    log_in_staff(page, centre)
    page.goto("/desk/settlement")
    page.select_option("#month", "2026-10")
    page.get_by_role("button", name="查看").click()
    page.wait_for_url(f"**/{cinema.venue}/2026-10")
    assert "预览" in page.inner_text("main")
    page.get_by_role("button", name="关账").click()
    page.wait_for_url("**?done=month-closed")
    assert "本月已关账" in page.inner_text("[role=status]")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("CSV")).click()
    assert download.value.suggested_filename.endswith(".csv")
    assert page.complaints == []


def test_a_venue_holds_a_voucher_and_releases_it(centre: Centre, open_page: Any) -> None:  # noqa: F811
    cinema, fang = Cinema(centre), centre.volunteer()
    cinema.reward(fang)
    (voucher,) = cinema.vouchers(fang)
    holder = centre.district.token("volunteer", fang)
    code = centre.ok("rewards", "GET", f"/v1/vouchers/{voucher['id']}/code", as_=holder)["code"]
    page = open_page("/counter", **PHONE)
    page.fill("#key", cinema.key)
    page.fill("#code", code)
    page.click("button[value=hold]")
    page.wait_for_selector("#result [data-hold]")
    assert len(cinema.vouchers(fang, "held")) == 1
    page.click("button[value=release]")
    page.wait_for_selector("#result [data-hold='']")
    assert len(cinema.vouchers(fang, "issued")) == 1
    assert page.complaints == []
