"""The wallet: vouchers, points, giving on, exchanging, and where points come from."""

from pathlib import Path

import pytest

from tests.support.browsing import Centre
from tests.support.cinema import Cinema, code_of, forms


def test_a_voucher_goes_to_the_pool_and_its_code_no_longer_works(centre: Centre) -> None:
    cinema, fang = Cinema(centre), centre.volunteer()
    cinema.reward(fang)
    browser = centre.as_volunteer()
    code = code_of(browser)
    (voucher,) = cinema.vouchers(fang)
    page = browser.get(f"/wallet/{voucher['id']}")
    assert 'value="pool" checked' in page.text
    assert 'name="named" value="yes" checked' not in page.text
    answer = browser.post(f"/wallet/{voucher['id']}/gift", to="pool")
    assert answer.headers["Location"] == "/wallet?done=given-to-pool"
    assert "爱心" in browser.get("/wallet?done=given-to-pool").text
    till = centre.browser()
    till.get("/counter")
    assert (
        "已被收回"
        in till.post("/counter", do="check", key=cinema.key, code=code, reference="a").text
    )
    assert cinema.vouchers(fang) == []
    (given,) = centre.district.rewards.published("voucher.given")
    assert (given["data"]["holder_id"], given["data"]["named"]) == (None, False)
    assert "池中有 1 张" in centre.browser().get("/pool").text


def test_a_gift_to_a_person_stays_unnamed_unless_the_giver_says_so(centre: Centre) -> None:
    cinema, fang, qiang = (
        Cinema(centre),
        centre.volunteer("13800000011"),
        centre.volunteer("13800000012"),
    )
    cinema.reward(fang, day=1)
    cinema.reward(fang, day=2)
    browser = centre.as_volunteer("13800000011")
    for voucher, named in zip(cinema.vouchers(fang), ("", "yes"), strict=True):
        browser.get(f"/wallet/{voucher['id']}")
        answer = browser.post(
            f"/wallet/{voucher['id']}/gift", to="person", receiver=qiang, named=named
        )
        assert answer.headers["Location"] == "/wallet?done=given-to-person"
    named, unnamed = cinema.vouchers(qiang)
    theirs = centre.as_volunteer("13800000012")
    assert fang in theirs.get(f"/wallet/{named['id']}").text
    assert fang not in theirs.get(f"/wallet/{unnamed['id']}").text
    assert "获赠" in theirs.get("/wallet").text


def test_a_gift_to_nobody_is_refused_with_a_message_and_changes_nothing(centre: Centre) -> None:
    cinema, fang = Cinema(centre), centre.volunteer()
    cinema.reward(fang)
    browser = centre.as_volunteer()
    (voucher,) = cinema.vouchers(fang)
    browser.get(f"/wallet/{voucher['id']}")
    for receiver in ("01900000-0000-7000-8000-000000000099", "somebody", fang):
        answer = browser.post(f"/wallet/{voucher['id']}/gift", to="person", receiver=receiver)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
    assert [one["id"] for one in cinema.vouchers(fang)] == [voucher["id"]]
    assert centre.district.rewards.published("voucher.given") == []


def test_points_are_exchanged_once_however_often_the_form_is_sent(centre: Centre) -> None:
    cinema, fang = Cinema(centre, automatic=False), centre.volunteer()
    cinema.reward(fang, hours=3)
    browser = centre.as_volunteer()
    assert "一场电影" in browser.get("/wallet/exchange").text
    path = f"/wallet/exchange/{cinema.product}"
    for _ in range(2):
        answer = browser.post(path, do="exchange", once="the-same-form")
        assert answer.headers["Location"] == "/wallet?done=exchanged"
    assert len(cinema.vouchers(fang)) == 1
    assert cinema.account(fang)["points_available"] == 120
    assert cinema.account(fang)["minutes_credited"] == 180


def test_a_volunteer_joins_the_waiting_list_of_a_sold_out_product(centre: Centre) -> None:
    cinema, fang = Cinema(centre, automatic=False, stock=0), centre.volunteer()
    cinema.reward(fang)
    browser = centre.as_volunteer()
    assert "排队等候" in browser.get("/wallet/exchange").text
    path = f"/wallet/exchange/{cinema.product}"
    assert browser.post(path, do="exchange").status_code == 409
    assert browser.post(path, do="wait").headers["Location"] == "/wallet?done=waits"
    assert "积分已为您预留" in browser.get("/wallet").text
    assert cinema.account(fang)["points_held"] == 60


def test_too_few_points_are_named_before_and_refused_after_the_request(centre: Centre) -> None:
    cinema, fang = Cinema(centre, automatic=False), centre.volunteer()
    browser = centre.as_volunteer()
    page = browser.get("/wallet/exchange").text
    assert "还差 60 积分" in page
    assert forms(page, cinema.product) == []
    assert browser.post(f"/wallet/exchange/{cinema.product}", do="exchange").status_code == 409
    assert cinema.vouchers(fang) == []


def test_a_standing_choice_is_kept_with_the_preferred_product(centre: Centre) -> None:
    cinema, fang = Cinema(centre), centre.volunteer()
    cinema.reward(fang)
    browser = centre.as_volunteer()
    browser.get("/wallet")
    answer = browser.post("/wallet/choice", choice="give_on", product_id=cinema.product)
    assert answer.headers["Location"] == "/wallet?done=choice-kept"
    page = browser.get("/wallet").text
    assert 'value="give_on" checked' in page
    assert f'value="{cinema.product}" selected' in page
    assert browser.post("/wallet/choice", choice="burn").status_code == 422


def test_a_month_and_every_point_can_be_read(centre: Centre) -> None:
    cinema, fang = Cinema(centre), centre.volunteer()
    cinema.reward(fang)
    browser = centre.as_volunteer()
    statement = browser.get("/wallet/statement").text
    assert "服务时长" in statement
    assert "+60" in statement
    explained = browser.get("/wallet/hours").text
    assert "核对一致" in explained
    assert "每 1 分钟得 1 积分" in explained
    (voucher,) = cinema.vouchers(fang)
    assert "这张券的由来" in browser.get(f"/wallet/{voucher['id']}").text


def test_the_card_is_the_holders_and_is_not_kept(centre: Centre) -> None:
    cinema, fang = Cinema(centre), centre.volunteer("13800000011")
    centre.volunteer("13800000012")
    cinema.reward(fang)
    (voucher,) = cinema.vouchers(fang)
    mine, theirs = centre.as_volunteer("13800000011"), centre.as_volunteer("13800000012")
    mine.get("/wallet")
    card = mine.post(f"/wallet/{voucher['id']}/card")
    assert card.headers["Content-Type"].startswith("image/svg+xml")
    assert card.headers["Cache-Control"] == "no-store"
    assert code_of(mine) in card.text
    theirs.get("/wallet")
    for path in (
        f"/wallet/{voucher['id']}/card",
        f"/wallet/{voucher['id']}/code",
        f"/wallet/{voucher['id']}/gift",
    ):
        assert theirs.post(path, to="pool").status_code == 404
    assert theirs.get(f"/wallet/{voucher['id']}").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/wallet/statement?month=2026-13",
        "/wallet/statement?month=%00",
        "/wallet?after=x",
        "/wallet?done=<script>",
        "/wallet/hours?after=%00",
    ],
)
def test_odd_queries_are_answered(centre: Centre, path: str) -> None:
    centre.volunteer()
    answer = centre.as_volunteer().get(path)
    assert answer.status_code in (200, 422)
    assert "<script>" not in answer.text


def test_every_form_of_the_bank_carries_its_token(centre: Centre) -> None:
    folder = Path(__file__).parents[2] / "gateway/templates"
    for path in folder.rglob("*.html"):
        for form in path.read_text().split('<form method="post"')[1:]:
            body = form.split("</form>")[0]
            assert "hidden()" in body or "token()" in body or 'name="form_token"' in body, path
