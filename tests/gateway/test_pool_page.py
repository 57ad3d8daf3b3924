"""The pool: everybody sees its vouchers; volunteers and coordinators request one."""

from services.registration.models import Coordination
from shared.core.ids import new_id
from tests.support.browsing import Centre
from tests.support.cinema import Cinema, code_of, forms


def fill(centre: Centre, phone: str = "13800000011") -> tuple[Cinema, str]:
    """沈芳 leaves a film to the pool."""
    cinema, fang = Cinema(centre), centre.volunteer(phone)
    cinema.reward(fang)
    browser = centre.as_volunteer(phone)
    code_of(browser)
    (voucher,) = cinema.vouchers(fang)
    browser.get(f"/wallet/{voucher['id']}")
    assert browser.post(f"/wallet/{voucher['id']}/gift", to="pool").status_code == 302
    return cinema, fang


def test_everybody_sees_how_many_and_nobody_sees_who(centre: Centre) -> None:
    _, fang = fill(centre)
    page = centre.browser().get("/pool").text
    assert "池中有 1 张" in page
    assert "登录后申请" in page
    assert fang not in page


def test_a_request_is_granted_and_explained(centre: Centre) -> None:
    cinema, _ = fill(centre)
    qiang = centre.volunteer("13800000012")
    browser = centre.as_volunteer("13800000012")
    browser.get("/pool")
    assert browser.post("/pool", need="carer").headers["Location"] == "/pool?done=request-made"
    assert "等候中" in browser.get("/pool").text
    staff = centre.as_staff()
    assert "照护者" in staff.get("/desk/pool").text
    assert (
        staff.post("/desk/pool/allocation").headers["Location"] == "/desk/pool?done=pool-allocated"
    )
    page = browser.get("/pool").text
    assert "此前一年获得 0 张，已等候 0 天" in page
    assert len(cinema.vouchers(qiang)) == 1
    assert "爱心券池暂时是空的" in centre.browser().get("/pool").text


def test_a_need_that_is_not_on_the_list_is_refused(centre: Centre) -> None:
    centre.volunteer()
    browser = centre.as_volunteer()
    browser.get("/pool")
    assert browser.post("/pool", need="my whole story").status_code == 422
    assert "还没有" in browser.get("/pool").text


def test_a_request_is_withdrawn(centre: Centre) -> None:
    centre.volunteer()
    browser = centre.as_volunteer()
    browser.get("/pool")
    browser.post("/pool", need="elderly")
    (path,) = forms(browser.get("/pool").text, "/withdrawal")
    assert browser.post(path).headers["Location"] == "/pool?done=request-withdrawn"
    assert forms(browser.get("/pool").text, "/withdrawal") == []


def test_a_coordinator_requests_for_a_resident_and_gets_the_code_to_hand_over(
    centre: Centre,
) -> None:
    cinema, _ = fill(centre)
    jing, resident = centre.volunteer("13800000013"), str(new_id())
    with centre.district.registration.session() as session:
        session.add(
            Coordination(volunteer_id=jing, organisation_id=centre.station, granted_by="staff")
        )
    browser = centre.as_volunteer("13800000013")
    assert "recipient_id" not in browser.get("/pool").text
    assert (
        browser.post("/role", organisation_id=str(centre.station), next="/pool").headers["Location"]
        == "/pool"
    )
    assert "recipient_id" in browser.get("/pool").text
    assert browser.post("/pool", need="elderly", recipient_id=resident).status_code == 302
    staff = centre.as_staff()
    staff.get("/desk/pool")
    staff.post("/desk/pool/allocation")
    assert len(cinema.vouchers(jing)) == 1
    assert "显示券码" in browser.get("/wallet").text
    browser.get("/pool")
    browser.post("/role", organisation_id="", next="/pool")
    assert "recipient_id" not in browser.get("/pool").text


def test_nobody_takes_a_role_that_is_not_theirs(centre: Centre) -> None:
    centre.volunteer()
    browser = centre.as_volunteer()
    browser.get("/pool")
    assert browser.post("/role", organisation_id=str(centre.station)).status_code == 403
    assert browser.get("/me").status_code == 200
    browser.get("/pool")
    assert browser.post("/pool", need="elderly", recipient_id=str(new_id())).status_code == 404
