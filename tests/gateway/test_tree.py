"""Everybody sees the tree; a volunteer claims from it; no beneficiary is ever named."""

from uuid import uuid4

import pytest

from tests.support.browsing import CANARIES, Centre


def test_everybody_sees_published_wishes_and_no_others(centre: Centre) -> None:
    shown, hidden = centre.wish("一条保暖的毛毯"), centre.wish("一台收音机", until="submitted")
    page = centre.browser().get("/")
    assert page.status_code == 200
    assert "一条保暖的毛毯" in page.text
    assert f"/wishes/{shown}" in page.text
    assert "一台收音机" not in page.text
    assert centre.browser().get(f"/wishes/{hidden}").status_code == 404


def test_no_page_of_the_tree_names_a_beneficiary(centre: Centre) -> None:
    wish = centre.wish()
    browser = centre.browser()
    for path in ("/", f"/wishes/{wish}", "/?label=待认领"):
        text = browser.get(path).text
        assert not [canary for canary in CANARIES if canary in text]


def test_the_filter_keeps_to_one_label(centre: Centre) -> None:
    centre.wish("一条保暖的毛毯")
    assert "一条保暖的毛毯" in centre.browser().get("/?label=待认领").text
    assert "一条保暖的毛毯" not in centre.browser().get("/?label=已完成").text


def test_more_leads_to_the_wishes_that_are_left(centre: Centre) -> None:
    for number in range(13):
        centre.wish(f"心愿之 {number:02}")
    browser = centre.browser()
    first = browser.get("/?label=待认领").text
    link = first[first.index('href="?') + 6 :].split('"')[0].replace("&amp;", "&")
    second = browser.get("/" + link).text
    assert first.count('class="card"') == 12
    assert second.count('class="card"') == 1
    assert "心愿之 00" in second
    assert "心愿之 00" not in first


def test_a_title_is_text_and_never_markup(centre: Centre) -> None:
    wish = centre.wish('<script>alert("x")</script>')
    for path in ("/", f"/wishes/{wish}"):
        text = centre.browser().get(path).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


def test_a_volunteer_claims_and_a_stranger_is_asked_to_log_in(centre: Centre) -> None:
    centre.volunteer()
    wish = centre.wish()
    stranger = centre.browser()
    assert f"/login?next=/wishes/{wish}" in stranger.get(f"/wishes/{wish}").text.replace("%2F", "/")
    browser = centre.as_volunteer()
    assert "我来认领" in browser.get(f"/wishes/{wish}").text
    answer = browser.post(f"/wishes/{wish}/claim")
    assert answer.headers["Location"] == f"/wishes/{wish}?done=claimed"
    text = browser.get(answer.headers["Location"]).text
    assert "认领成功" in text
    assert "已认领" in text


def test_the_second_claim_is_refused_with_a_message(centre: Centre) -> None:
    centre.volunteer("13800000011")
    centre.volunteer("13800000012")
    wish = centre.wish()
    winner, late = centre.as_volunteer("13800000011"), centre.as_volunteer("13800000012")
    late.get(f"/wishes/{wish}")
    winner.get(f"/wishes/{wish}")
    winner.post(f"/wishes/{wish}/claim")
    answer = late.post(f"/wishes/{wish}/claim")
    assert answer.status_code == 409
    assert 'role="alert"' in answer.text
    assert "已认领" in answer.text


@pytest.mark.parametrize(
    "path", ["/?after=%00", "/?label=%00", "/?category=%00&lang=%00", "/?endpoint=x&_external=1"]
)
def test_odd_queries_are_answered(centre: Centre, path: str) -> None:
    assert centre.browser().get(path).status_code in (200, 422)


def test_an_unknown_page_has_a_message(centre: Centre) -> None:
    answer = centre.browser().get(f"/wishes/{uuid4()}")
    assert answer.status_code == 404
    assert "<h1>" in answer.text
    assert centre.browser().get("/no/such/page").status_code == 404
