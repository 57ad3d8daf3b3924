"""The desk of the bank: rules, settlement, disputes, vouchers, the pool and the audit."""

from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from devkit.testkit import District
from shared.core.clock import SITE
from tests.support.browsing import Browser, Centre
from tests.support.cinema import Cinema, code_of, forms

TABS = (
    *("rules", "products", "venues", "settlement", "disputes", "pool", "vouchers", "audit"),
    "system",
)
NOW = datetime.now(SITE)
MONTH = f"{NOW:%Y-%m}"
BEFORE = f"{NOW.replace(day=1) - timedelta(days=1):%Y-%m}"


def back_a_month(district: District) -> None:
    """Move all redemptions into last month."""
    with create_engine(
        district.env["WISHTREE_OWNER_DATABASE_URL"].replace("postgresql", "postgresql+psycopg", 1)
    ).begin() as c:
        c.execute(text("SET search_path TO rewards"))
        for table, column, where in (
            ("redemptions", "redeemed_at", ""),
            ("transfers", "created_at", "WHERE kind = 'redeemed'"),
        ):
            c.execute(text(f"UPDATE {table} SET {column} = {column} - interval '31 days' {where}"))


def with_redemption(centre: Centre) -> tuple[Cinema, Browser]:
    """沈芳 saw a film; staff are at the desk."""
    cinema, fang = Cinema(centre), centre.volunteer()
    cinema.reward(fang)
    cinema.redeem(code_of(centre.as_volunteer()), "T-1")
    centre.district.deliver_all()
    return cinema, centre.as_staff()


@pytest.mark.parametrize("tab", TABS)
def test_only_staff_see_the_desk_and_an_empty_page_of_it_is_complete(
    centre: Centre, tab: str
) -> None:
    centre.volunteer()
    assert centre.as_volunteer().get(f"/desk/{tab}").status_code == 403
    assert centre.browser().get(f"/desk/{tab}").status_code == 302
    page = centre.as_staff().get(f"/desk/{tab}")
    assert page.status_code == 200
    assert f'href="/desk/{tab}" aria-current="page"' in page.text
    assert page.text.count("<h1") == 1


def test_a_rule_is_tried_before_it_is_applied_and_gives_what_the_trial_showed(
    centre: Centre,
) -> None:
    cinema, fang = Cinema(centre, automatic=False), centre.volunteer()
    cinema.reward(fang)
    staff = centre.as_staff()
    staff.get("/desk/rules/new/earn")
    rule: dict[str, Any] = {"minutes": "1", "points": "2", "since": "2026-01-01"}
    assert 'value="apply"' not in staff.last
    tried = staff.post("/desk/rules/new/earn", do="try", **rule)
    assert tried.status_code == 200
    assert "试算结果" in tried.text
    assert 'value="apply"' in tried.text
    assert fang in tried.text
    assert cinema.account(fang)["points_available"] == 60
    run = staff.post("/desk/rules/new/earn", do="apply", **rule).headers["Location"]
    assert "进行中" in staff.get(run).text
    from services.rewards.rule_runs import backfill

    with centre.district.rewards.session() as session:
        backfill.apply_batch(session)
    with centre.district.rewards.session() as session:
        backfill.apply_batch(session)
    assert "已完成" in staff.get(run).text
    assert cinema.account(fang)["points_available"] == 120


def test_a_rule_for_the_future_is_added_and_ended(centre: Centre) -> None:
    staff = centre.as_staff()
    staff.get("/desk/rules/new/expire")
    assert (
        staff.post("/desk/rules/new/expire", do="add", days="730").headers["Location"]
        == "/desk/rules?done=rule-added"
    )
    page = staff.get("/desk/rules").text
    assert "到账 730 天后" in page
    (path,) = forms(page, "/end")
    assert staff.post(path).headers["Location"] == "/desk/rules?done=rule-ended"
    assert "到账 730 天后" not in staff.get("/desk/rules").text


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("earn", {"points": "many", "minutes": "1"}),
        ("limit", {"count": "0"}),
        ("coefficient", {}),
        ("earn", {"effective_from": "x", "minutes": "1"}),
    ],
)
def test_a_rule_with_wrong_fields_is_refused_with_a_message(
    centre: Centre, kind: str, form: dict[str, Any]
) -> None:
    staff = centre.as_staff()
    staff.get(f"/desk/rules/new/{kind}")
    for do in ("add", "try", "apply"):
        answer = staff.post(f"/desk/rules/new/{kind}", do=do, since="2026-01-01", **form)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
    assert centre.ok("rewards", "GET", "/v1/rules", as_=centre.staff)["items"] == []


def test_an_unknown_kind_of_rule_is_no_page(centre: Centre) -> None:
    assert centre.as_staff().get("/desk/rules/new/pay").status_code == 404


def test_after_the_stock_is_set_the_waiting_list_is_served(centre: Centre) -> None:
    cinema, fang = Cinema(centre, stock=0), centre.volunteer()
    cinema.reward(fang)
    staff = centre.as_staff()
    assert "一场电影" in staff.get("/desk/products").text
    staff.get(f"/desk/products/{cinema.product}")
    answer = staff.post(f"/desk/products/{cinema.product}/stock", stock="3")
    assert answer.headers["Location"] == "/desk/products?done=stock-set"
    assert len(cinema.vouchers(fang)) == 1
    assert staff.post(f"/desk/products/{cinema.product}/stock", stock="lots").status_code == 422


def test_a_month_is_previewed_closed_downloaded_and_reopened(centre: Centre) -> None:
    cinema, staff = with_redemption(centre)
    back_a_month(centre.district)
    path = f"/desk/settlement/{cinema.venue}/{BEFORE}"
    chosen = staff.get(f"/desk/settlement?venue_id={cinema.venue}&month={BEFORE}")
    assert chosen.headers["Location"] == path
    page = staff.get(path).text
    assert "预览，未关账" in page
    assert "T-1" in page
    assert staff.post(f"{path}/closing").headers["Location"] == f"{path}?done=month-closed"
    page = staff.get(path).text
    assert "已关账" in page
    assert forms(page, "/closing") == []
    for format_, start in (("csv", b""), ("xlsx", b"PK"), ("pdf", b"%PDF")):
        file = staff.client.get(f"{path}/statement.{format_}", headers=staff.headers)
        assert file.status_code == 200
        assert "attachment" in file.headers["Content-Disposition"]
        assert file.data.startswith(start)
    assert staff.get(f"{path}/statement.exe").status_code == 404
    staff.get(path)
    assert staff.post(f"{path}/reopening", reason="").status_code == 422
    assert (
        staff.post(f"{path}/reopening", reason="场馆漏报").headers["Location"]
        == f"{path}?done=month-reopened"
    )
    assert len(centre.district.rewards.published("settlement.closed")) == 1


def test_a_month_that_is_not_over_is_not_closed(centre: Centre) -> None:
    cinema, staff = with_redemption(centre)
    path = f"/desk/settlement/{cinema.venue}/{MONTH}"
    staff.get(path)
    answer = staff.post(f"{path}/closing")
    assert answer.status_code == 409
    assert 'role="alert"' in answer.text
    assert centre.district.rewards.published("settlement.closed") == []


def test_a_venue_report_is_compared_and_a_missing_line_becomes_a_dispute_that_is_decided(
    centre: Centre,
) -> None:
    cinema, staff = with_redemption(centre)
    path = f"/desk/settlement/{cinema.venue}/{MONTH}"
    staff.get(path)
    listed = {
        "form_token": staff.form_token(),
        "list": (BytesIO("流水号\nT-1\nT-9\n".encode("gb18030")), "list.csv"),
    }
    sent = staff.client.post(f"{path}/list", data=listed, headers=staff.headers)
    assert sent.headers["Location"] == f"{path}?done=list-taken"
    page = staff.get(path).text
    assert "本中心无此记录" in page
    assert "T-9" in page
    answer = staff.post(f"{path}/disputes", reference="T-9")
    assert answer.headers["Location"] == f"{path}?done=case-opened"
    (case,) = [
        to for to in forms(staff.get("/desk/disputes").text) if to.startswith("/desk/disputes/")
    ]
    assert staff.post(case, do="accepted").status_code == 422  # nobody knows what it is worth
    assert staff.post(case, do="accepted", amount="12.345").status_code == 422
    assert (
        staff.post(case, do="accepted", amount="12.5", note="票根在")
        .headers["Location"]
        .endswith("case-decided")
    )
    assert "¥12.50" in staff.get("/desk/disputes?status=accepted").text
    (decided,) = centre.district.rewards.published("dispute.decided")
    assert decided["data"]["amount_fen"] == 1250


def test_a_venue_report_that_cannot_be_read_is_refused_with_its_row(centre: Centre) -> None:
    cinema, staff = with_redemption(centre)
    path = f"/desk/settlement/{cinema.venue}/{MONTH}"
    staff.get(path)
    listed = {
        "form_token": staff.form_token(),
        "list": (BytesIO(b"reference,amount_fen\nT-1,=1+1\n"), "list.csv"),
    }
    answer = staff.client.post(f"{path}/list", data=listed, headers=staff.headers)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "2" in answer.text[answer.text.index('role="alert"') :][:400]


def test_a_voucher_gets_a_new_code_or_is_taken_back_and_staff_see_neither(centre: Centre) -> None:
    cinema, fang = Cinema(centre), centre.volunteer()
    cinema.reward(fang)
    browser, staff = centre.as_volunteer(), centre.as_staff()
    old = code_of(browser)
    (voucher,) = cinema.vouchers(fang)
    page = staff.get(f"/desk/vouchers?holder_id={fang}").text
    assert voucher["id"] in page
    answer = staff.post(
        f"/desk/vouchers/{voucher['id']}", do="reissue", reason="手机丢失", holder_id=fang
    )
    assert answer.headers["Location"].endswith("done=voucher-reissued")
    new = code_of(browser)
    assert new != old
    assert new not in staff.get(f"/desk/vouchers?holder_id={fang}").text
    (again,) = cinema.vouchers(fang)
    assert (
        staff.post(
            f"/desk/vouchers/{again['id']}", do="void", reason="", holder_id=fang
        ).status_code
        == 422
    )
    answer = staff.post(f"/desk/vouchers/{again['id']}", do="void", reason="误发", holder_id=fang)
    assert answer.headers["Location"].endswith("done=voucher-voided")
    assert cinema.account(fang)["points_available"] == 60


def test_the_pool_grants_a_wish(centre: Centre) -> None:
    cinema, fang, jing = (
        Cinema(centre),
        centre.volunteer("13800000011"),
        centre.volunteer("13800000013"),
    )
    cinema.reward(fang)
    browser = centre.as_volunteer("13800000011")
    (voucher,) = cinema.vouchers(fang)
    browser.get(f"/wallet/{voucher['id']}")
    browser.post(f"/wallet/{voucher['id']}/gift", to="pool")
    wish = centre.wish("和女儿看一场电影")
    centre.district.deliver_all()
    staff = centre.as_staff()
    assert "和女儿看一场电影" in staff.get("/desk/pool").text
    answer = staff.post(f"/desk/pool/wishes/{wish}", product_id=cinema.product, holder_id=jing)
    assert answer.headers["Location"] == "/desk/pool?done=wish-granted"
    assert len(cinema.vouchers(jing)) == 1
    assert "和女儿看一场电影" not in staff.get("/desk/pool").text


def test_the_audit_goes_on_page_by_page_and_names_what_was_altered(centre: Centre) -> None:
    from services.rewards.ledger import seal

    cinema, fang = Cinema(centre), centre.volunteer()
    cinema.reward(fang)
    with centre.district.rewards.session() as session:
        seal.seal_batch(session, 100)
    staff = centre.as_staff()
    staff.get("/desk/audit?books=yes")
    assert "合计" in staff.last
    assert "全部正确" in staff.post("/desk/audit", head="").text
    assert "全部正确" in staff.post("/desk/audit", part="accounts").text
    assert staff.post("/desk/audit", head="nonsense").status_code == 422
    owner = centre.district.env["WISHTREE_OWNER_DATABASE_URL"].replace(
        "postgresql", "postgresql+psycopg", 1
    )
    with create_engine(owner).begin() as connection:
        connection.execute(
            text("UPDATE rewards.transfers SET amount = amount + 1 WHERE kind = 'earned'")
        )
    found = staff.post("/desk/audit", head="").text
    assert 'role="alert"' in found
    assert "有一笔流水被改动" in found
