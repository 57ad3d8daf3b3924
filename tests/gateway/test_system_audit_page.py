"""The page of the audits across services: what they found, and a button that asks for a run."""

from sqlalchemy import text

from shared import SERVICES
from shared.service.auditing import LOOK_EVERY
from tests.support.browsing import Centre

PATH = "/desk/system/audit"


def test_staff_see_what_the_audits_found_and_what_to_do(centre: Centre) -> None:
    with centre.district.wishes.session() as session:
        session.execute(text("UPDATE known_organisations SET name = '改名'"))
    browser = centre.as_staff()
    assert "尚无已完成的运行" in browser.get(PATH).text

    centre.district.audit("wishes")

    page = browser.get(PATH).text
    assert "心愿服务保存的组织名称、类型或上级与注册服务不一致" in page
    assert "以注册服务为准" in page
    assert str(centre.station) in page
    english = browser.get(f"{PATH}?lang=en").text
    assert "Registration is right." in english


def test_the_button_requests_a_run_of_every_service(centre: Centre) -> None:
    browser = centre.as_staff()
    browser.get(PATH)
    answer = browser.post(PATH)
    assert answer.headers["Location"] == f"{PATH}?done=audit-requested"
    assert f"{LOOK_EVERY}" == "30"  # "within half a minute", as the page has it
    assert "审计将在半分钟内开始" in browser.get(answer.headers["Location"]).text
    for service in SERVICES:
        run = centre.ok(service, "GET", f"/v1/audit/{service}", as_=centre.staff)["newest"]
        assert run["started_at"] is None
        assert run["requested_by"].startswith("staff:")


def test_nobody_else_sees_it(centre: Centre) -> None:
    centre.volunteer()
    assert centre.as_volunteer().get(PATH).status_code == 403
