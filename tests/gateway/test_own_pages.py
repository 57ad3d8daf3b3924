"""The pages of one volunteer: hours, alerts, sign-ups."""

from tests.support.browsing import Centre


def test_hours_are_shown_as_hours(centre: Centre) -> None:
    volunteer = centre.volunteer()
    system = centre.district.token("system", "school", scopes="records:write records:verified")
    centre.ok(
        "registration",
        "POST",
        "/v1/service-records",
        {
            "volunteer_id": volunteer,
            "organisation_id": str(centre.station),
            "started_at": "2026-03-01T08:00:00+08:00",
            "ended_at": "2026-03-01T09:40:00+08:00",
            "category": "environment",
            "reference": "r-1",
        },
        system,
    )
    assert "<dd>1.6</dd>" in centre.as_volunteer().get("/me").text


def test_an_alert_is_marked_as_read(centre: Centre) -> None:
    centre.volunteer()
    browser = centre.as_volunteer()
    page = browser.get("/inbox").text
    assert page.count("标为已读") > 0
    path = page[page.index('action="/inbox/') + 8 :].split('"')[0]
    assert browser.post(path).headers["Location"] == "/inbox"
    assert browser.get("/inbox").text.count('action="/inbox/') == page.count('action="/inbox/') - 1


def test_signing_up_and_giving_the_seat_back(centre: Centre) -> None:
    centre.volunteer("13800000011")
    centre.volunteer("13800000012")
    activity, session = centre.activity()
    shen_fang, wang_qiang = centre.as_volunteer("13800000011"), centre.as_volunteer("13800000012")
    path, form = f"/activities/{activity}", f"/activities/{activity}/sessions/{session}"
    assert "周六社区清洁" in shen_fang.get("/activities").text
    shen_fang.get(path)
    assert shen_fang.post(form, do="sign-up").headers["Location"].endswith("done=confirmed")
    assert "取消报名" in shen_fang.get(path).text
    wang_qiang.get(path)
    assert wang_qiang.post(form, do="sign-up").headers["Location"].endswith("done=waitlisted")
    assert shen_fang.post(form, do="cancel").headers["Location"].endswith("done=cancelled")
    assert "已报名" in wang_qiang.get(path).text


def test_a_stranger_sees_an_activity_and_is_asked_to_log_in(centre: Centre) -> None:
    activity, session = centre.activity()
    browser = centre.browser()
    assert "登录后报名" in browser.get(f"/activities/{activity}").text
    browser.get("/login")
    assert (
        browser.post(f"/activities/{activity}/sessions/{session}", do="sign-up").status_code == 302
    )
