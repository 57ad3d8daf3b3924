"""Logging in, staying logged in, logging out; and what a page of another site cannot do."""

import time
from typing import Any

import pytest
from itsdangerous import TimestampSigner

from tests.support.browsing import PASSWORD, Browser, Centre, gateway_of

COOKIE = "wishtree_session"


def cookie_of(browser: Browser) -> Any:
    return browser.client.get_cookie(COOKIE)


def test_a_volunteer_logs_in_with_a_code_and_sees_their_own_page(centre: Centre) -> None:
    centre.volunteer()
    browser = centre.as_volunteer()
    cookie = cookie_of(browser)
    assert (cookie.http_only, cookie.same_site, cookie.secure) == (True, "Lax", False)
    page = browser.get("/me")
    assert page.status_code == 200
    assert "志愿者编号" in page.text
    assert "沈芳" not in page.text


def test_a_wrong_code_is_refused_with_a_message(centre: Centre) -> None:
    centre.volunteer()
    browser = centre.browser()
    browser.get("/login")
    browser.post("/login/code", phone="13800000011")
    wrong = "000000" if centre.code_sent_to("13800000011") != "000000" else "111111"
    answer = browser.post("/login", phone="13800000011", code=wrong)
    assert answer.status_code == 401
    assert 'role="alert"' in answer.text
    assert cookie_of(browser) is None


def test_an_unknown_phone_looks_like_a_known_one(centre: Centre) -> None:
    centre.volunteer()
    answers = []
    for phone in ("13800000011", "13899999999"):
        browser = centre.browser()
        browser.get("/login")
        answer = browser.post("/login/code", phone=phone)
        answers.append(
            (answer.status_code, answer.text.replace(phone, "").replace(browser.form_token(), ""))
        )
    assert answers[0] == answers[1]


def test_staff_log_in_with_a_password_and_a_wrong_one_is_refused(centre: Centre) -> None:
    browser = centre.as_staff()
    assert browser.get("/desk").status_code == 200
    other = centre.browser()
    other.get("/login")
    answer = other.post("/login", login="lijing", password=PASSWORD + "!")
    assert answer.status_code == 401
    assert PASSWORD not in answer.text


def test_logging_out_ends_the_log_in_at_registration_too(centre: Centre) -> None:
    centre.volunteer()
    browser = centre.as_volunteer()
    browser.get("/me")
    stolen = cookie_of(browser).value
    assert browser.post("/logout").status_code == 302
    assert cookie_of(browser) is None
    assert browser.get("/me").status_code == 302
    thief = centre.browser()
    thief.client.set_cookie(COOKIE, stolen)
    expire(thief, centre)
    assert thief.get("/me").status_code == 302


def test_an_expired_token_is_renewed_unnoticed(centre: Centre) -> None:
    centre.volunteer()
    browser = centre.as_volunteer()
    expire(browser, centre)
    before = cookie_of(browser).value
    assert browser.get("/me").status_code == 200
    assert cookie_of(browser).value != before


def test_pages_asked_for_at_the_same_time_renew_once(centre: Centre) -> None:
    centre.volunteer()
    browser = centre.as_volunteer()
    expire(browser, centre)
    old = cookie_of(browser).value
    for _ in range(3):  # each still sends the old cookie, as requests under way do
        browser.client.set_cookie(COOKIE, old)
        assert browser.get("/me").status_code == 200


def test_an_altered_cookie_is_no_log_in(centre: Centre) -> None:
    centre.volunteer()
    browser = centre.as_volunteer()
    value = cookie_of(browser).value
    for bad in (value[:-8] + "AAAAAAA=", "x", "", "é", "A" * 5000):
        browser.client.set_cookie(COOKIE, bad)
        assert browser.get("/me").status_code == 302


@pytest.mark.parametrize(
    ("path", "who"),
    [
        ("/me", "volunteer"),
        ("/wallet", "volunteer"),
        ("/inbox", "volunteer"),
        ("/desk", "staff"),
    ],
)
def test_strangers_are_sent_to_the_log_in_and_back(centre: Centre, path: str, who: str) -> None:
    answer = centre.browser().get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].replace("%2F", "/").startswith(f"/login?next={path}")


def test_the_wrong_role_is_refused(centre: Centre) -> None:
    centre.volunteer()
    assert centre.as_volunteer().get("/desk").status_code == 403
    assert centre.as_staff().get("/wallet").status_code == 403


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "/ok\r\nX: y",
    ],
)
def test_after_the_log_in_nobody_is_sent_elsewhere(centre: Centre, address: str) -> None:
    centre.as_staff()
    browser = centre.browser()
    browser.get("/login")
    answer = browser.post("/login", login="lijing", password=PASSWORD, next=address)
    assert answer.headers["Location"] == "/desk"


@pytest.mark.parametrize("path", ["/login", "/login/code", "/logout", "/counter", "/inbox/x/read"])
def test_a_form_of_another_page_is_refused(centre: Centre, path: str) -> None:
    browser = centre.browser()
    browser.get("/login")
    for token in ("", "0" * 64, "é"):
        answer = browser.post(path, token=token)
        assert answer.status_code == 400
        assert "表单" in answer.text


def test_a_form_token_of_one_person_is_of_no_use_to_another(centre: Centre) -> None:
    centre.volunteer("13800000011")
    centre.volunteer("13800000012")
    wish = centre.wish()
    mine, theirs = centre.as_volunteer("13800000011"), centre.as_volunteer("13800000012")
    mine.get(f"/wishes/{wish}")
    theirs.get(f"/wishes/{wish}")
    assert theirs.post(f"/wishes/{wish}/claim", token=mine.form_token()).status_code == 400
    # Not even after planting the cookie that the token belongs to, as a neighbouring host can.
    planted = mine.client.get_cookie("wishtree_form")
    assert planted
    theirs.client.set_cookie("wishtree_form", planted.value)
    assert theirs.post(f"/wishes/{wish}/claim", token=mine.form_token()).status_code == 400


def test_a_form_token_from_before_the_log_in_is_refused_after_it(centre: Centre) -> None:
    centre.volunteer()
    wish = centre.wish()
    browser = centre.browser()
    browser.get("/login")
    before = browser.form_token()
    browser.post("/login/code", phone="13800000011")
    browser.post("/login", phone="13800000011", code=centre.code_sent_to("13800000011"))
    assert browser.post(f"/wishes/{wish}/claim", token=before).status_code == 400
    browser.get(f"/wishes/{wish}")
    assert browser.post(f"/wishes/{wish}/claim").status_code == 302


def test_a_form_may_stay_open_for_a_year_and_over_another_log_in(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    year = 365 * 24 * 3600
    with monkeypatch.context() as patch:
        patch.setattr(TimestampSigner, "get_timestamp", lambda _: int(time.time()) - year)
        browser = centre.as_staff()
        browser.get("/desk")
    left_open = browser.form_token()
    browser.post("/logout")
    browser.get("/login")
    browser.post("/login", login="lijing", password=PASSWORD)
    answer = browser.post("/desk/pool/allocation", token=left_open)
    assert answer.headers["Location"] == "/desk/pool?done=pool-allocated"


def test_a_form_token_is_bound_to_the_browser(centre: Centre) -> None:
    centre.as_staff()
    here, there = centre.browser(), centre.browser()
    here.get("/login")
    there.get("/login")
    assert here.post("/login/code", token=there.form_token(), phone="1").status_code == 400


def test_the_cookie_of_forms_ends_with_the_browser_and_is_out_of_reach_of_scripts(
    centre: Centre,
) -> None:
    (cookie,) = centre.browser().get("/login").headers.getlist("Set-Cookie")
    assert cookie.startswith("wishtree_form=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Expires" not in cookie
    assert "Max-Age" not in cookie
    assert "Set-Cookie" not in centre.browser().get("/").headers  # a page without a form


def test_over_https_the_cookies_are_bound_to_the_host(centre: Centre) -> None:
    browser = Browser(gateway_of(centre.district, public_url="https://wishes.example"))
    answer = browser.get("/login")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-wishtree_form=")
    assert "Secure" in cookie
    assert answer.headers["Strict-Transport-Security"]


def test_the_mailbox_is_only_for_a_machine_of_ones_own(centre: Centre) -> None:
    assert centre.browser().get("/mailbox").status_code == 404
    assert "/mailbox" not in centre.browser().get("/login").text


def expire(browser: Browser, centre: Centre, *, seconds: int = -1, **changes: str) -> None:
    """Put a cookie into the browser whose access token ends so many seconds from now."""
    import base64
    import json

    from shared.core.crypto import vault

    box = vault(centre.district.settings, "gateway.session")
    session = json.loads(box.unseal(base64.urlsafe_b64decode(cookie_of(browser).value)))
    session |= {"expires": int(time.time()) + seconds} | changes
    browser.client.set_cookie(
        COOKIE, base64.urlsafe_b64encode(box.seal(json.dumps(session))).decode()
    )
