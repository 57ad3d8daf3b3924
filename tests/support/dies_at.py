"""A process of ours that dies, as by kill -9, at one seam of the way of an event.

`python -m tests.support.dies_at SEAM DEATHS FILE COMMAND...` runs a `wishtree` command. It dies the
first to third time that it comes to the seam, and with each death a byte is added to FILE; when
there are DEATHS bytes, it lives.
"""

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import has_request_context, request
from sqlalchemy import event
from sqlalchemy.orm import Session

from console.main import main
from shared.messaging.broker import relay
from shared.messaging.broker.consumer import EventConsumer
from shared.messaging.broker.publisher import ConfirmedPublisher
from shared.messaging.inbox import Inbox
from shared.service.web import ServiceApp


class Death:
    """Dies at a seeded call, until it died often enough."""

    def __init__(self, deaths: int, file: Path) -> None:
        self._deaths, self._file, self._calls = deaths, file, 0
        seed = f"{os.environ.get('WISHTREE_FAULT_SEED', '0')} {file.name} {self._so_far()}"
        self._at = random.Random(seed).randint(1, 3)

    def come(self) -> None:
        if self._so_far() < self._deaths:
            self._calls += 1
            if self._calls >= self._at:
                with self._file.open("ab") as file:
                    file.write(b"x")
                os._exit(137)

    def _so_far(self) -> int:
        return self._file.stat().st_size if self._file.exists() else 0


def before(owner: Any, name: str, come: Callable[[], None]) -> None:
    original = getattr(owner, name)

    def replaced(*args: Any, **options: Any) -> Any:
        come()
        return original(*args, **options)

    setattr(owner, name, replaced)


def after(owner: Any, name: str, come: Callable[[], None]) -> None:
    original = getattr(owner, name)

    def replaced(*args: Any, **options: Any) -> Any:
        answer = original(*args, **options)
        come()
        return answer

    setattr(owner, name, replaced)


def in_a_post(come: Callable[[], None]) -> Callable[..., Any]:
    def come_in_a_post(*arguments: Any) -> Any:
        if has_request_context() and request.method == "POST":
            come()
        return arguments[0]

    return come_in_a_post


def install(seam: str, come: Callable[[], None]) -> None:
    match seam:
        case "request, commit":
            event.listen(Session, "before_commit", in_a_post(come))
        case "commit, answer":
            posted = in_a_post(come)
            before(ServiceApp, "process_response", lambda: posted(None))
        case "commit, publish":
            before(ConfirmedPublisher, "publish", come)
        case "publish, confirm":
            before(ConfirmedPublisher, "_await_confirms", come)
        case "confirm, mark":
            before(relay, "_mark_published", come)
        case "deliver, handle":
            before(Inbox, "_handle", come)
        case "handle, commit":
            after(Inbox, "_call_handlers", come)
        case "commit, acknowledge":
            before(EventConsumer, "_acknowledge", come)
        case _:
            raise ValueError(seam)


if __name__ == "__main__":
    seam, deaths, file, *command = sys.argv[1:]
    install(seam, Death(int(deaths), Path(file)).come)
    main(command)
