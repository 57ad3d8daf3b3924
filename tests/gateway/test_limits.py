"""What keeps a service that hangs from holding up the others: circuit, bulkhead, pass-through."""

import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from werkzeug.test import Client

from devkit.installation import wait_until
from gateway import bulkhead, circuit, readiness
from gateway.bulkhead import Bulkhead, Full
from gateway.circuit import Circuit
from gateway.pass_through import FAILURES, MAX_BODY_BYTES, PassThrough
from gateway.readiness import Readiness
from gateway.upstreams import NoAnswer
from tests.support.at_once import at_once


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(clock: Clock) -> Circuit:
    """A circuit that has just opened, after three failures."""
    found = Circuit("wishes", 3, clock)
    for _ in range(3):
        assert found.lets_through(1)
        found.fail()
    return found


@pytest.mark.check("L4")
def test_a_circuit_opens_after_failures_in_a_row(clock: Clock) -> None:
    circuit = Circuit("wishes", 3, clock)
    for _ in range(5):
        circuit.fail()
        circuit.fail()
        circuit.succeed()
    assert circuit.lets_through(1)
    circuit.fail()
    circuit.fail()
    circuit.fail()
    assert not circuit.lets_through(1)


@pytest.mark.check("L4")
def test_an_open_circuit_lets_one_of_many_through_after_the_pause(
    opened: Circuit, clock: Clock
) -> None:
    assert not opened.lets_through(1)
    clock.now += 1.25 * circuit.PAUSE_SECONDS
    assert sorted(at_once([lambda: opened.lets_through(1)] * 20)) == [False] * 19 + [True]


def test_a_try_that_fails_is_followed_by_another_pause(opened: Circuit, clock: Clock) -> None:
    clock.now += 1.25 * circuit.PAUSE_SECONDS
    assert opened.lets_through(1)
    opened.fail()
    clock.now += 0.7 * circuit.PAUSE_SECONDS
    assert not opened.lets_through(1)
    clock.now += 0.6 * circuit.PAUSE_SECONDS
    assert opened.lets_through(1)


def test_an_answer_closes_it(opened: Circuit, clock: Clock) -> None:
    clock.now += 1.25 * circuit.PAUSE_SECONDS
    assert opened.lets_through(1)
    opened.succeed()
    assert all(opened.lets_through(1) for _ in range(5))


def test_a_try_that_never_tells_does_not_keep_it_open_for_ever(
    opened: Circuit, clock: Clock
) -> None:
    clock.now += 1.25 * circuit.PAUSE_SECONDS
    assert opened.lets_through(30)
    clock.now += 30
    assert not opened.lets_through(30)
    clock.now += 1.25 * circuit.PAUSE_SECONDS
    assert opened.lets_through(30)


@pytest.mark.check("L4")
def test_replicas_do_not_try_at_the_same_moment() -> None:
    assert len({circuit._pause() for _ in range(20)}) > 1


def test_more_than_the_places_wait_until_one_is_free() -> None:
    places = Bulkhead(2)
    under_way, most = 0, 0

    def work() -> None:
        nonlocal under_way, most
        with places.place():
            under_way += 1
            most = max(most, under_way)
            time.sleep(0.02)
            under_way -= 1

    at_once([work] * 10)
    assert most == 2


def test_who_finds_no_place_in_time_is_refused_and_then_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bulkhead, "WAIT_SECONDS", 0.2)
    places = Bulkhead(1)
    with places.place():
        first, later = (seconds_until_refused(places) for _ in range(2))
    assert first >= 0.2
    assert later < 0.1
    with places.place():
        pass


def seconds_until_refused(places: Bulkhead) -> float:
    started = time.monotonic()
    with pytest.raises(Full), places.place():
        pass
    return time.monotonic() - started


class Service:
    """Answers 200, hangs, or cannot be reached."""

    def __init__(self) -> None:
        self.hangs, self.away = False, False
        self.end = threading.Event()
        self.asked = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.asked += 1
        if self.hangs:
            self.end.wait(10)
        if self.away:
            raise NoAnswer(may_be_done=True)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b'{"service": "wishes", "status": "ready"}']


@pytest.fixture
def service() -> Iterator[Service]:
    found = Service()
    yield found
    found.end.set()


@pytest.mark.check("L4")
def test_a_service_that_hangs_holds_its_places_and_no_more_threads(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulkhead, "WAIT_SECONDS", 0.2)
    service.hangs = True
    way = PassThrough("wishes", service, 3)
    with ThreadPoolExecutor(10) as threads:
        waiting = [threads.submit(Client(way).get, "/v1/wishes") for _ in range(10)]
        wait_until(lambda: sum(one.done() for one in waiting) == 7, 8, "others hold threads")
        service.end.set()
    answers = [one.result() for one in waiting]
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [503] * 7
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert refused.headers["Retry-After"] == "2"


class SlowBody(BytesIO):
    """A body that comes once `come` is set."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.come = threading.Event()

    def read(self, size: int | None = -1) -> bytes:
        self.come.wait(10)
        return super().read(size)


def test_clients_that_send_slowly_hold_no_place_of_a_service(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulkhead, "WAIT_SECONDS", 0.2)
    client, bodies = Client(PassThrough("wishes", Reading(service), 2)), []

    def upload() -> int:
        bodies.append(SlowBody(b"12345"))
        length = {"Content-Length": "5"}
        answer = client.post("/v1/wishes", input_stream=bodies[-1], headers=length)
        return answer.status_code

    with ThreadPoolExecutor(4) as threads:
        uploads = [threads.submit(upload) for _ in range(4)]
        wait_until(lambda: len(bodies) == 4, 5, "the uploads do not begin")
        time.sleep(0.1)
        quick = client.get("/v1/wishes").status_code
        for body in bodies:
            body.come.set()
    assert quick == 200
    assert [one.result() for one in uploads] == [200] * 4


class Reading:
    """A service that reads the body, as all do."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        expected = int(environ.get("CONTENT_LENGTH") or 0)
        assert len(environ["wsgi.input"].read(expected)) == expected
        return self._service(environ, start_response)


def test_a_body_that_is_too_large_for_every_route_is_not_read(service: Service) -> None:
    client = Client(PassThrough("wishes", service, 2))
    length = {"CONTENT_LENGTH": str(MAX_BODY_BYTES + 1)}
    answer = client.post("/v1/wishes", data=b"begun", environ_overrides=length)
    assert (answer.status_code, answer.content_type) == (413, "application/problem+json")
    assert answer.get_json()["type"] == "/problems/request-entity-too-large"
    assert service.asked == 0


def test_programs_are_told_in_their_language_and_without_our_names(service: Service) -> None:
    service.away = True
    client = Client(PassThrough("wishes", service, 3))
    found = client.get("/v1/wishes", headers={"Accept-Language": "zh-CN"})
    assert (found.status_code, found.content_type) == (503, "application/problem+json")
    assert found.get_json() == {
        "type": "/problems/unavailable",
        "title": "服务暂时无法响应,请稍后再试。",
        "status": 503,
        "detail": "什么都没有改变。",
    }


def test_programs_learn_that_a_change_may_have_been_made(service: Service) -> None:
    service.away = True
    client = Client(PassThrough("wishes", service, 3))
    found = client.put("/v1/wishes/1/claim", headers={"Accept-Language": "en"})
    assert found.headers["Retry-After"] == "2"
    assert found.get_json() == {
        "type": "/problems/unanswered",
        "title": "No answer came in time, so it is not known whether it was done.",
        "status": 503,
        "detail": "Repeat it with the same Idempotency-Key, or ask for the state.",
    }


def test_programs_wait_for_no_service_that_is_known_to_be_away(service: Service) -> None:
    service.away = True
    client = Client(PassThrough("wishes", service, 3))
    for _ in range(FAILURES + 5):
        assert client.put("/v1/wishes/1/claim").status_code == 503
    assert service.asked == FAILURES
    assert client.put("/v1/wishes/1/claim").get_json()["type"] == "/problems/unavailable"


def test_readiness_names_who_is_silent_and_does_not_wait_for_it(service: Service) -> None:
    frozen = Service()
    frozen.hangs = True
    found = Readiness({"wishes": service, "rewards": frozen}, 0.3)
    started = time.monotonic()
    text = "The service or its database does not answer."
    away = {"code": "service_away", "service": "rewards", "loop": None, "seconds": None}
    away["text"] = text
    for _ in range(2):
        response = found.response("en")
        assert response.status_code == 503
        assert response.get_json() == {
            "status": "down",
            "reasons": [away],
            "services": [
                {"service": "wishes", "status": "ready"},
                {"service": "rewards", "status": "down", "reasons": [away], "reason": text},
            ],
        }
    assert found.response("zh-CN").get_json()["services"][1]["reason"] == "服务或其数据库没有响应。"
    assert time.monotonic() - started < 2
    frozen.end.set()


def test_many_who_ask_for_readiness_share_one_look(service: Service) -> None:
    service.hangs = True
    found = Readiness({"wishes": service}, 1)
    threading.Timer(0.1, service.end.set).start()
    answers = at_once([lambda: found.response("en").status_code] * 30)
    assert answers == [200] * 30
    assert (found.response("en").status_code, service.asked) == (200, 1)
    assert found.response("zh-CN").status_code == 200
    assert service.asked == 2


def test_an_answer_of_readiness_is_kept_for_a_second(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "KEPT_SECONDS", 0.1)
    found = Readiness({"wishes": service}, 1)
    for _ in range(2):
        assert found.response("en").status_code == 200
        time.sleep(0.15)
    assert service.asked == 2
