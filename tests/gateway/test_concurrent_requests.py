"""A page asks the services for all that it shows at the same time, each as the same person."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.test import TestResponse

from gateway.app import Gateway, caller_of
from gateway.page_calls import AT_ONCE
from gateway.shell import make_pages
from shared import SERVICES
from tests.gateway.test_log_in import expire
from tests.support.browsing import Browser, Centre
from tests.support.cinema import Cinema

LATENCY_SECONDS = 0.05


class SlowServices:
    """Services that take 50 ms to answer, from when `slow` is entered."""

    def __init__(self, call: Callable[..., TestResponse]) -> None:
        self._call = call
        self._lock = threading.Lock()
        self._latency = 0.0
        self._in_flight = 0
        self.most_in_flight = 0
        self.rounds = 0
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []

    def __call__(self, method: str, path: str, **options: Any) -> TestResponse:
        with self._lock:
            self.paths.append(path)
            self.headers.append(options.get("headers", {}))
            self.rounds += self._in_flight == 0
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
        time.sleep(self._latency)
        with self._lock:
            self._in_flight -= 1
        return self._call(method, path, **options)

    @contextmanager
    def slow(self) -> Iterator[None]:
        self._latency = LATENCY_SECONDS
        self.most_in_flight = self.rounds = 0
        self.paths.clear()
        self.headers.clear()
        yield
        self._latency = 0.0


@pytest.fixture
def services(centre: Centre) -> SlowServices:
    """The services of the centre, slowed down."""
    apps: dict[str, Any] = {name: member.app for name, member in centre.district.services.items()}
    services = SlowServices(caller_of(apps))
    centre.gateway = Gateway(apps, make_pages(centre.district.settings, services))
    return services


@dataclass(frozen=True)
class Load:
    requests: int
    at_once: int
    rounds: int  #: how often a request began while none was under way
    latencies: float  #: how often 50 ms the page took


def load(services: SlowServices, browser: Browser, path: str) -> Load:
    """Load a page, five times for the best, because other processes share the machine."""
    browser.get(path)  # compiles the templates
    found = []
    for _ in range(5):
        with services.slow():
            started = time.perf_counter()
            assert browser.get(path).status_code == 200
            latencies = (time.perf_counter() - started) / LATENCY_SECONDS
        count, at_once = len(services.paths), services.most_in_flight
        found.append(Load(count, at_once, services.rounds, latencies))
    return min(found, key=lambda one: one.latencies)


# One after the other, a page of n requests takes n latencies at the very least.


def test_the_wallet_takes_one_latency_and_not_four(centre: Centre, services: SlowServices) -> None:
    cinema, fang = Cinema(centre), centre.volunteer()
    cinema.reward(fang)
    wallet = load(services, centre.as_volunteer(), "/wallet")
    assert (wallet.requests, wallet.at_once, wallet.rounds) == (4, 4, 1)
    assert wallet.latencies < 4


def test_the_desk_takes_one_latency_and_not_nine(centre: Centre, services: SlowServices) -> None:
    desk = load(services, centre.as_staff(), f"/desk?organisation_id={centre.station}")
    assert (desk.requests, desk.at_once, desk.rounds) == (9, 9, 1)
    assert desk.latencies < 5


def test_the_desk_without_a_chosen_organisation_takes_two(
    centre: Centre, services: SlowServices
) -> None:
    desk = load(services, centre.as_staff(), "/desk")
    assert (desk.requests, desk.at_once, desk.rounds) == (9, 8, 2)
    assert desk.latencies < 6


def test_every_request_of_a_page_carries_the_log_in_the_language_and_the_trace(
    centre: Centre, services: SlowServices
) -> None:
    browser = centre.as_staff()
    with services.slow():
        browser.get("/desk", traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
    assert len(services.headers) == 9
    assert {sent["Accept-Language"] for sent in services.headers} == {"zh-CN"}
    assert {sent["Traceparent"] for sent in services.headers} == {f"00-{'a' * 32}-{'b' * 16}-01"}
    assert len({sent["Authorization"] for sent in services.headers}) == 1
    assert all("Idempotency-Key" not in sent for sent in services.headers)


def test_a_page_of_many_requests_renews_the_log_in_once(
    centre: Centre, services: SlowServices
) -> None:
    centre.volunteer()
    browser = centre.as_volunteer()
    expire(browser, centre)
    with services.slow():
        assert browser.get("/wallet").status_code == 200
    assert services.paths.count("/v1/auth/refresh") == 1


def test_when_every_answer_is_401_the_log_in_is_renewed_once_and_all_are_repeated(
    centre: Centre, services: SlowServices
) -> None:
    centre.volunteer()
    browser = centre.as_volunteer()
    expire(browser, centre, access="not.a.token", seconds=600)
    with services.slow():
        assert browser.get("/wallet").status_code == 200
    assert services.paths.count("/v1/auth/refresh") == 1
    assert len(services.paths) == 4 + 1 + 4


def test_many_people_at_once_see_their_own_pages(centre: Centre, services: SlowServices) -> None:
    phones = [f"138000000{number}" for number in range(11, 17)]
    people = {phone: centre.volunteer(phone) for phone in phones}
    browsers = {phone: centre.as_volunteer(phone) for phone in phones}
    wrong: list[str] = []

    def look(phone: str) -> None:
        text = browsers[phone].get("/me").text
        if people[phone] not in text or any(people[o] in text for o in phones if o != phone):
            wrong.append(phone)

    with services.slow():
        threads = [threading.Thread(target=look, args=(phone,)) for phone in phones * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert services.most_in_flight <= AT_ONCE * len(SERVICES)


def test_one_refusal_among_many_answers_is_the_pages_answer(
    centre: Centre, services: SlowServices
) -> None:
    browser = centre.as_staff()
    answer = browser.get("/desk/venues/01900000-0000-7000-8000-000000000001")
    assert answer.status_code == 404
    assert len([path for path in services.paths if "/v1/venues/0190" in path]) == 3


def test_the_desk_is_shown_although_a_service_does_not_count_its_dead_letters(
    centre: Centre, services: SlowServices
) -> None:
    browser = centre.as_staff()
    call = services._call

    def without_rewards(method: str, path: str, **options: Any) -> TestResponse:
        return call(
            method, "/v1/vouchers/x" if path == "/rewards/dead-letters" else path, **options
        )

    services._call = without_rewards
    page = browser.get("/desk")
    assert page.status_code == 200
    assert page.text.count("<td>–</td>") == 1
