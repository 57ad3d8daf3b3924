"""Calls of pages to one service: who waits long leaves room for those who do not."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.test import TestResponse

from devkit.testkit import District
from gateway import page_calls
from gateway.page_calls import LONG_AT_ONCE, PageCalls, Patience
from gateway.upstreams import NoAnswer

ANSWER = object.__new__(TestResponse)


@pytest.fixture
def calls(district: District) -> PageCalls:
    return PageCalls("wishes", district.settings.model_copy(update={"page_seconds": 5}))


@pytest.fixture
def end() -> Iterator[threading.Event]:
    found = threading.Event()
    yield found
    found.set()


def test_forms_that_wait_leave_places_for_what_pages_show(
    calls: PageCalls, end: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_calls, "PLACE_SECONDS", 0.1)

    def hang() -> TestResponse:
        end.wait(10)
        return ANSWER

    waiting = [calls.begin(hang, Patience.FORM) for _ in range(LONG_AT_ONCE)]
    with pytest.raises(NoAnswer) as refused:
        calls.begin(hang, Patience.FORM)
    assert not refused.value.may_be_done
    assert calls.begin(lambda: ANSWER, Patience.PAGE).response() is ANSWER
    end.set()
    assert [one.response() for one in waiting] == [ANSWER] * LONG_AT_ONCE
    assert calls.begin(lambda: ANSWER, Patience.FORM).response() is ANSWER


def test_what_never_got_a_thread_was_not_done(district: District, end: threading.Event) -> None:
    calls = PageCalls("wishes", district.settings.model_copy(update={"page_seconds": 0.2}))

    def hang() -> TestResponse:
        end.wait(10)
        return ANSWER

    begun = [calls.begin(hang, Patience.PAGE) for _ in range(page_calls.AT_ONCE + 1)]
    time.sleep(0.3)
    outcomes = []
    for one in begun:
        with pytest.raises(NoAnswer) as missing:
            one.response()
        outcomes.append(missing.value.may_be_done)
    assert outcomes == [True] * page_calls.AT_ONCE + [False]


def test_a_burst_of_pages_on_a_service_that_answers_does_not_count_as_its_failure(
    district: District,
) -> None:
    calls = PageCalls("wishes", district.settings.model_copy(update={"page_seconds": 0.5}))

    def answer() -> TestResponse:
        time.sleep(0.2)
        return ANSWER

    def outcome(one: page_calls.Pending) -> bool:
        try:
            return one.response() is ANSWER
        except NoAnswer:
            return False

    begun = [calls.begin(answer, Patience.PAGE) for _ in range(5 * page_calls.AT_ONCE)]
    with ThreadPoolExecutor(len(begun)) as pages:
        answered = sum(pages.map(outcome, begun))
    assert page_calls.AT_ONCE <= answered < len(begun)
    assert calls.begin(lambda: ANSWER, Patience.PAGE).response() is ANSWER
