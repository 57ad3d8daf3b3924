"""The system page: staff read which part does not work, and what to do."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, insert

from gateway.app import Gateway, caller_of
from gateway.shell import make_pages
from gateway.upstreams import Upstream
from shared.messaging.turns import LoopTurn
from tests.support.browsing import Centre


def freeze_the_relay(centre: Centre) -> None:
    last = func.now() - timedelta(seconds=41)
    row = insert(LoopTurn).values(
        loop="relay", process="host-1:4711", started_at=last, last_turn_at=last
    )
    with centre.district.rewards.session() as session:
        session.execute(row)


def test_staff_read_which_part_does_not_respond(centre: Centre) -> None:
    freeze_the_relay(centre)
    browser = centre.as_staff()
    page = browser.get("/desk/system").text
    assert re.search("host-1:4711 上 rewards 的中继已 4. 秒无响应。", page)
    assert "已受理的内容不会丢失" in page and "<code>host-1:4711</code>" in page
    english = browser.get("/desk/system?lang=en").text
    assert re.search("The relay of rewards on host-1:4711 has not turned for 4. s.", english)
    assert "relay: sends events" in english and "does not respond" in english


def test_a_service_that_does_not_answer_is_shown_as_such(centre: Centre) -> None:
    services = {name: member.app for name, member in centre.district.services.items()}
    without = services | {"notify": Upstream("notify", "http://127.0.0.1:1")}
    centre.gateway = Gateway(without, make_pages(centre.district.settings, caller_of(without)))
    page = centre.as_staff().get("/desk/system")
    assert page.status_code == 200
    assert "：服务或其数据库没有响应。" in page.text


def test_the_whole_says_which_loop_of_which_service_is_silent(centre: Centre) -> None:
    freeze_the_relay(centre)
    answer = centre.browser("en").get("/readyz").get_json()
    assert answer["status"] == "degraded"
    # Here nobody runs a bus at all, so after a while others are missing, too.
    (reason,) = (one for one in answer["reasons"] if one["code"] == "loop_silent")
    assert (reason["service"], reason["loop"]) == ("rewards", "relay")
    assert reason["text"].startswith("The relay of rewards on one process has not turned")


@pytest.mark.parametrize("path", ["/readyz", "/rewards/readyz"])
def test_anybody_learns_what_is_wrong_and_neither_processes_nor_what_waits(
    centre: Centre, path: str
) -> None:
    freeze_the_relay(centre)
    answer = centre.browser().get(path)
    assert answer.status_code == 200
    assert "某个进程 上 rewards 的中继已" in answer.text and "loop_silent" in answer.text
    for inside in ("host-1", "4711", "loops", "outbox", "process"):
        assert inside not in answer.text
    member = centre.district.rewards
    assert "host-1:4711" in member.call("GET", "/rewards/readyz").text  # inside the installation
