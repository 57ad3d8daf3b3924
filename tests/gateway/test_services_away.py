"""Each page while one service does not answer: without that part, or a kind page, and soon."""

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from gateway.app import Gateway, caller_of
from gateway.json_responses import problem_response
from gateway.months import recent_months
from gateway.shell import make_pages
from gateway.upstreams import NoAnswer
from shared import SERVICES
from tests.gateway.test_log_in import COOKIE, expire
from tests.support.browsing import Browser, Centre
from tests.support.cinema import Cinema

PAGE_SECONDS = 0.2
NOT_PAGES = {"static", "healthz", "log_in.show_mailbox", "desk_settlement.download"}
"""The mailbox is there in an embedded installation only, and a download is a file."""

SHOWN_WITHOUT = {
    "registration": ("/", "/wallet", "/inbox", "/pool", "/counter", "/login", "/me", "/desk"),
    "wishes": ("/activities", "/me", "/wallet", "/inbox", "/pool", "/counter", "/login", "/desk"),
    "rewards": ("/", "/activities", "/me", "/inbox", "/counter", "/login", "/desk"),
    "notify": ("/", "/activities", "/me", "/wallet", "/pool", "/counter", "/login", "/desk"),
}
"""Pages that are there although this service is away."""

LATIN = {"English"}
"""The link to the other language."""


class Switch:
    """A service that hangs, or cannot be reached, once it is switched off."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._stay = threading.Event()
        self.off: Callable[[], None] | None = None
        self.asked: list[str] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self.off is None:
            found: Iterable[bytes] = self._app(environ, start_response)
            return found
        self.asked.append(environ["PATH_INFO"])
        self.off()
        raise NoAnswer(may_be_done=True)

    def hang(self) -> None:
        self.off = lambda: bool(self._stay.wait(5)) and None

    def refuse(self) -> None:
        self.off = lambda: None

    def answer_503(self) -> None:
        """As when the database did not say whether it committed."""
        self._app = problem_response("unavailable", "", 503)

    def release(self) -> None:
        self.off = None
        self._stay.set()


@dataclass
class Stage:
    centre: Centre
    switches: dict[str, Switch]
    page_seconds: float = 10

    def open(self) -> None:
        """Start a gateway anew, as no service were away before."""
        settings = self.centre.district.settings.model_copy(
            update={"page_seconds": self.page_seconds}
        )
        pages = make_pages(settings, caller_of(self.switches))
        self.centre.gateway = Gateway(self.switches, pages)
        self.rules: list[Rule] = list(pages.url_map.iter_rules())


@pytest.fixture
def stage(centre: Centre) -> Iterator[Stage]:
    switches = {name: Switch(member.app) for name, member in centre.district.services.items()}
    stage = Stage(centre, switches)
    stage.open()
    yield stage
    for switch in switches.values():
        switch.release()


@dataclass(frozen=True)
class World:
    """Somebody of each kind, and one of each thing that a path names."""

    staff: Browser
    volunteer: Browser
    things: dict[str, str]

    def pages(self, rules: list[Rule]) -> list[tuple[Browser, str]]:
        """Every page that there is, with who sees it."""
        found = []
        for rule in rules:
            if "GET" in (rule.methods or ()) and rule.endpoint not in NOT_PAGES:
                path = re.sub(r"<(?:\w+:)?(\w+)>", lambda name: self.things[name[1]], rule.rule)
                browser = self.staff if path.startswith("/desk") else self.volunteer
                found.append((browser, path))
        return found

    def at(self, gateway: Gateway) -> "World":
        """The same people at another gateway."""
        return World(moved(self.staff, gateway), moved(self.volunteer, gateway), self.things)


def moved(browser: Browser, gateway: Gateway) -> Browser:
    found = Browser(gateway)
    cookie = browser.client.get_cookie(COOKIE)
    assert cookie is not None
    found.client.set_cookie(COOKIE, cookie.value)
    return found


@pytest.fixture
def world(centre: Centre, stage: Stage) -> World:
    cinema, fang = Cinema(centre), centre.volunteer()
    cinema.reward(fang)
    activity, session = centre.activity()
    rules = {"rules": [{"kind": "earn", "minutes": 1, "points": 1}], "since": "2026-01-01"}
    run = centre.ok("rewards", "POST", "/v1/rules/application", rules, centre.staff)
    things = {
        "wish_id": centre.wish(),
        "activity_id": activity,
        "session_id": session,
        "voucher_id": cinema.vouchers(fang)[0]["id"],
        "product_id": cinema.product,
        "venue_id": cinema.venue,
        "run_id": run["id"],
        "month": recent_months()[0],
        "kind": "earn",
    }
    return World(centre.as_staff(), centre.as_volunteer(), things)


@pytest.mark.long(reason="every page with a service that hangs")
@pytest.mark.parametrize("service", SERVICES)
def test_every_page_is_there_or_says_kindly_what_is_missing(
    stage: Stage, world: World, service: str
) -> None:
    stage.page_seconds = PAGE_SECONDS
    stage.open()
    world = world.at(stage.centre.gateway)
    stage.switches[service].hang()
    for browser, path in world.pages(stage.rules):
        started = time.perf_counter()
        answer = browser.get(path)
        assert time.perf_counter() - started < 2, path
        assert_is_kind(answer, path)


@pytest.mark.parametrize("service", SERVICES)
def test_pages_that_do_not_need_a_service_are_there_without_it(
    stage: Stage, world: World, service: str
) -> None:
    for browser, path in world.pages(stage.rules):
        assert browser.get(path).status_code in (200, 302), path
    stage.switches[service].refuse()
    for path in SHOWN_WITHOUT[service]:
        browser = world.staff if path == "/desk" else world.volunteer
        answer = browser.get(path)
        assert (path, answer.status_code) == (path, 200)
        assert_is_kind(answer, path)


def assert_is_kind(answer: TestResponse, path: str) -> None:
    """It is the page, or a page that says what is missing, in the language of the page."""
    assert answer.status_code in (200, 302, 503), (path, answer.status_code)
    if answer.status_code == 302:
        return
    assert "<nav" in answer.text, path
    if answer.status_code == 503:
        assert "暂时无法" in answer.text, path
        assert answer.headers["Retry-After"]
        assert latin_words(answer.text) == [], path
    assert "just now" not in answer.text
    assert "Traceback" not in answer.text


def latin_words(page: str) -> list[str]:
    body = page.partition("<body>")[2]
    text = re.sub(r"<code>.*?</code>|<[^>]+>", " ", body)
    return [word for word in re.findall(r"[A-Za-z]{3,}", text) if word not in LATIN]


def test_the_own_page_says_what_is_missing_and_shows_the_rest(stage: Stage, world: World) -> None:
    stage.switches["rewards"].refuse()
    page = world.volunteer.get("/me")
    assert "积分和快乐券暂时无法显示。 这一部分稍后再显示。" in page.text
    assert "认证时长" in page.text
    english = world.volunteer.get("/me?lang=en").text
    assert (
        "Points and vouchers cannot be shown just now. This part will be back shortly." in english
    )


@pytest.mark.check("L4")
def test_a_page_waits_for_nobody_twice_and_then_for_nobody(stage: Stage, world: World) -> None:
    stage.page_seconds = PAGE_SECONDS
    stage.open()
    world = world.at(stage.centre.gateway)
    stage.switches["rewards"].hang()
    world.volunteer.get("/wallet")  # four requests, of which three open the circuit
    asked = len(stage.switches["rewards"].asked)
    for _ in range(10):
        assert world.volunteer.get("/wallet").status_code == 503
    assert len(stage.switches["rewards"].asked) <= asked + 4  # one try after each pause


def test_a_form_that_got_no_answer_is_kept_and_has_one_effect_when_sent_again(
    stage: Stage, world: World
) -> None:
    browser = world.volunteer
    page = browser.get(f"/wallet/{world.things['voucher_id']}").text
    once = re.findall(r'name="once" value="([^"]+)"', page)[-1]
    form = {"to": "pool", "receiver": "一个“人”", "named": "yes", "once": once}
    stage.switches["rewards"].refuse()
    path = f"/wallet/{world.things['voucher_id']}/gift"
    unsent = browser.post(path, **form)
    assert (unsent.status_code, unsent.headers["Retry-After"]) == (503, "5")
    assert "不能确定是否已经办成" in unsent.text
    assert latin_words(unsent.text) == []
    kept = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', unsent.text))
    assert kept["once"] == once
    assert kept["receiver"] == form["receiver"]
    assert f'action="{path}"' in unsent.text
    stage.switches["rewards"].release()
    time.sleep(2.6)  # the circuit may be open
    assert browser.post(path, **form).status_code == 302


def test_a_form_to_a_service_that_is_known_to_be_away_was_not_sent(
    stage: Stage, world: World
) -> None:
    stage.switches["wishes"].refuse()
    browser = world.volunteer
    for _ in range(2):
        browser.get("/")
    asked = len(stage.switches["wishes"].asked)
    answer = browser.post(f"/wishes/{world.things['wish_id']}/claim")
    assert answer.status_code == 503
    assert "没有提交成功，什么都没有改变" in answer.text
    assert len(stage.switches["wishes"].asked) == asked


def test_a_form_that_a_service_answered_503_may_have_been_done(stage: Stage, world: World) -> None:
    world.volunteer.get("/")
    stage.switches["wishes"].answer_503()
    answer = world.volunteer.post(f"/wishes/{world.things['wish_id']}/claim")
    assert answer.status_code == 503
    assert "不能确定是否已经办成" in answer.text
    assert "什么都没有改变" not in answer.text


def test_a_password_is_not_kept_in_a_page(stage: Stage, world: World) -> None:
    stage.switches["registration"].refuse()
    browser = stage.centre.browser()
    browser.get("/login")
    answer = browser.post("/login", login="lijing", password="a long staff password")
    assert answer.status_code == 503
    assert "a long staff password" not in answer.text
    assert 'value="lijing"' in answer.text


def test_people_stay_logged_in_while_the_log_in_cannot_be_renewed(
    stage: Stage, world: World
) -> None:
    browser = world.volunteer
    expire(browser, stage.centre)
    stage.page_seconds = PAGE_SECONDS
    stage.open()
    browser = moved(browser, stage.centre.gateway)
    stage.switches["registration"].hang()
    started = time.perf_counter()
    tree = browser.get("/")
    assert (tree.status_code, "退出" in tree.text) == (200, True)
    wallet = browser.get("/wallet")
    assert time.perf_counter() - started < 2
    assert (wallet.status_code, "登录暂时无法使用" in wallet.text) == (503, True)
    assert "退出" in wallet.text


def test_a_refresh_token_that_is_on_its_way_is_not_sent_again(stage: Stage, world: World) -> None:
    expire(world.volunteer, stage.centre)
    stage.page_seconds = PAGE_SECONDS
    stage.open()
    browser = moved(world.volunteer, stage.centre.gateway)
    stage.switches["registration"].hang()
    for _ in range(3):
        browser.get("/")
    refreshes = [path for path in stage.switches["registration"].asked if "refresh" in path]
    assert len(refreshes) == 1
