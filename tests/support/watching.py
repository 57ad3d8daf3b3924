"""Load on a running gateway while a part of the installation is frozen, and what people saw."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import quantiles

import psutil
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
    answers: list[Answer] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        self._threads = [threading.Thread(target=self._ask) for _ in range(self.clients)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask no more. What is under way goes on."""
        self._stop.set()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        pause = 0.25 if self.clients > 5 else 0.05
        with requests.Session() as http:
            while not self._stop.is_set():
                self.answers.append(self._answer(http))
                self._stop.wait(pause)

    def _answer(self, http: requests.Session) -> Answer:
        at = time.monotonic()
        try:
            status = http.get(self.url, timeout=60, allow_redirects=False).status_code
        except requests.RequestException:
            status = 0
        return Answer(at, time.monotonic() - at, status)

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


@contextmanager
def frozen(processes: list[psutil.Process]) -> Iterator[None]:
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def watch_while_frozen(
    processes: list[psutil.Process], seconds: float, clients: Mapping[str, int]
) -> dict[str, Watch]:
    """Freeze processes for so long; what so many clients each saw of the addresses meanwhile."""
    watches = {url: Watch(url, count) for url, count in clients.items()}
    with frozen(processes):
        for watch in watches.values():
            watch.start()
        time.sleep(seconds)
        for watch in watches.values():
            watch.stop()
    for watch in watches.values():
        watch.join()
    return watches
