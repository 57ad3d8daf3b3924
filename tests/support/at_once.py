"""Races in tests: calls that begin at the same moment."""

import threading
from collections.abc import Callable
from typing import Any


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Run all at the same moment, each in its own thread; answers in order, errors raised."""
    barrier, answers, errors = threading.Barrier(len(calls)), [None] * len(calls), []

    def run(number: int, call: Callable[[], Any]) -> None:
        try:
            barrier.wait()
            answers[number] = call()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return answers
