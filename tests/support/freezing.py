"""Load on a running gateway while a part of the installation is frozen, and what people saw."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import quantiles

import requests


@dataclass(frozen=True, slots=True)
class Answer:
    at: float  #: by the monotonic clock, when it was asked
    seconds: float
    status: int  #: 0: none


@dataclass
class Watch:
    """Ask for one address again and again, from several threads."""

    url: str
    clients: int = 1
    pause: float = 0.05
    answers: list[Answer] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        stop = threading.Event()
        threads = [threading.Thread(target=self._ask, args=(stop,)) for _ in range(self.clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def _ask(self, stop: threading.Event) -> None:
        with requests.Session() as http:
            while not stop.is_set():
                self.answers.append(self._answer(http))
                stop.wait(self.pause)

    def _answer(self, http: requests.Session) -> Answer:
        at = time.monotonic()
        try:
            status = http.get(self.url, timeout=60, allow_redirects=False).status_code
        except requests.RequestException:
            status = 0
        return Answer(at, time.monotonic() - at, status)

    def since(self, at: float) -> list[Answer]:
        return [one for one in self.answers if one.at >= at]

    def slowest(self) -> float:
        return max(one.seconds for one in self.answers)

    def p95(self) -> float:
        return quantiles([one.seconds for one in self.answers], n=20)[-1]

    def statuses(self) -> set[int]:
        return {one.status for one in self.answers}


def seconds_until_whole(look: Callable[[], bool], seconds: float) -> float:
    """How long it took until a look at the pages found them whole again."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        if look():
            return time.monotonic() - started
        time.sleep(0.1)
    raise AssertionError(f"not whole after {seconds} s")
