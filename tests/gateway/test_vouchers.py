"""Wallet and counter: a code is shown by a click and redeemed once with the venue's key."""

import re

import pytest

from tests.support.browsing import Browser, Centre
from tests.support.cinema import Cinema


@pytest.fixture
def cinema(centre: Centre) -> Cinema:
    return Cinema(centre)


def code_of(browser: Browser) -> str:
    wallet = browser.get("/wallet").text
    assert "一场电影" in wallet
    shown = browser.post(wallet[wallet.index('action="/wallet/') + 8 :].split('"')[0])
    assert shown.status_code == 200
    assert shown.headers["Cache-Control"] == "no-store"
    assert "<svg" in shown.text
    assert "style=" not in shown.text
    found = re.search(r'class="code">([^<]+)<', shown.text)
    assert found
    assert found.group(1) not in wallet
    return found.group(1)


def test_a_voucher_is_shown_checked_and_redeemed_once(centre: Centre, cinema: Cinema) -> None:
    volunteer = centre.volunteer()
    cinema.reward(volunteer)
    browser = centre.as_volunteer()
    code = code_of(browser)
    till = centre.browser()
    till.get("/counter")
    for do, reference, words in (
        ("check", "a", "可以核销"),
        ("redeem", "a", "核销成功"),
        ("redeem", "a", "核销成功"),
        ("redeem", "b", "已被使用"),
        ("check", "c", "已被使用"),
    ):
        answer = till.post("/counter", do=do, key=cinema.key, code=code, reference=reference)
        assert answer.status_code == 200
        assert words in answer.text
        assert cinema.key not in answer.text
    assert "已使用" in browser.get("/wallet").text


def test_the_script_gets_only_the_result(centre: Centre, cinema: Cinema) -> None:
    till = centre.browser()
    till.get("/counter")
    answer = till.post(
        "/counter", headers={"X-Part": "1"}, do="check", key=cinema.key, code="2345", reference="a"
    )
    assert "<html" not in answer.text
    assert "未找到此券码" in answer.text


def test_a_wrong_key_is_refused_with_a_message_and_ends_no_log_in(centre: Centre) -> None:
    centre.volunteer()
    browser = centre.as_volunteer()
    browser.get("/counter")
    answer = browser.post("/counter", do="check", key="no-such-key", code="2345", reference="a")
    assert answer.status_code == 401
    assert 'class="notice bad"' in answer.text
    assert browser.get("/me").status_code == 200


def test_the_code_of_somebody_else_does_not_exist(centre: Centre, cinema: Cinema) -> None:
    volunteer = centre.volunteer("13800000011")
    centre.volunteer("13800000012")
    cinema.reward(volunteer)
    wallet = centre.as_volunteer("13800000011").get("/wallet").text
    path = wallet[wallet.index('action="/wallet/') + 8 :].split('"')[0]
    other = centre.as_volunteer("13800000012")
    other.get("/wallet")
    assert other.post(path).status_code == 404
