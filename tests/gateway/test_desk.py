"""The desk: staff verify, publish, reject and confirm; nobody else sees it."""

import pytest

from tests.support.browsing import Centre


def test_a_wish_goes_from_the_desk_to_the_tree(centre: Centre) -> None:
    wish = centre.wish("一台收音机", until="submitted")
    browser = centre.as_staff()
    assert "一台收音机" in browser.get("/desk").text
    assert browser.post(f"/desk/wishes/{wish}/verify").headers["Location"] == "/desk?done=verify"
    assert browser.post(f"/desk/wishes/{wish}/publish").headers["Location"] == "/desk?done=publish"
    assert "心愿已挂上心愿树" in browser.get("/desk?done=publish").text
    assert "一台收音机" in centre.browser().get("/").text


def test_a_wish_is_rejected_with_a_reason(centre: Centre) -> None:
    wish = centre.wish("一台收音机", until="submitted")
    browser = centre.as_staff()
    browser.get("/desk")
    assert browser.post(f"/desk/wishes/{wish}/reject").status_code == 422
    assert (
        browser.post(f"/desk/wishes/{wish}/reject", reason="duplicate").headers["Location"]
        == "/desk?done=reject"
    )
    assert "一台收音机" not in browser.get("/desk").text


def test_a_move_that_is_too_late_is_refused_and_changes_nothing(centre: Centre) -> None:
    wish = centre.wish()
    browser = centre.as_staff()
    browser.get("/desk")
    answer = browser.post(f"/desk/wishes/{wish}/reject", reason="duplicate")
    assert answer.status_code == 409
    assert 'role="alert"' in answer.text
    assert centre.browser().get(f"/wishes/{wish}").status_code == 200


def test_a_pending_record_is_approved(centre: Centre) -> None:
    volunteer = centre.volunteer()
    system = centre.district.token("system", "school", scopes="records:write")
    record = centre.ok(
        "registration",
        "POST",
        "/v1/service-records",
        {
            "volunteer_id": volunteer,
            "organisation_id": str(centre.station),
            "started_at": "2026-03-01T08:00:00+08:00",
            "ended_at": "2026-03-01T10:00:00+08:00",
            "category": "environment",
            "reference": "r-1",
        },
        system,
    )["id"]
    browser = centre.as_staff()
    assert f"/desk/records/{record}/approval" in browser.get("/desk").text
    assert (
        browser.post(f"/desk/records/{record}/approval").headers["Location"] == "/desk?done=approve"
    )
    assert record not in browser.get("/desk").text


@pytest.mark.parametrize(
    "path", ["/desk/wishes/01900000-0000-7000-8000-000000000001/burn", "/desk?organisation_id=x"]
)
def test_odd_requests_are_answered(centre: Centre, path: str) -> None:
    browser = centre.as_staff()
    browser.get("/desk")
    answer = browser.post(path) if "burn" in path else browser.get(path)
    assert answer.status_code in (404, 422)
