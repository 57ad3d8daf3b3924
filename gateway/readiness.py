"""`/readyz` of the gateway and `/{service}/readyz` as anybody sees them.

They tell what is wrong, and neither processes nor what waits: those stay inside the installation
and on the page of staff, `/desk/system`. Who asks meanwhile shares the look at the services.
"""

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from wsgiref.types import WSGIApplication

from werkzeug.test import Client
from werkzeug.wrappers import Response

from gateway.json_responses import json_response
from gateway.upstreams import SECONDS, NoAnswer
from shared.core.json import JsonObject
from shared.core.language import LANGUAGES, translate

KEPT_SECONDS = 1.0
SHOWN_OF_A_REASON = ("code", "service", "loop", "seconds")
ONE_PROCESS = "one process"
AWAY = "The service or its database does not answer."


@dataclass(frozen=True, slots=True)
class Look:
    """A look at all services, under way or ended a moment ago."""

    asked: Mapping[str, Future[JsonObject]]
    begun: float
    deadline: float

    @property
    def is_old(self) -> bool:
        now = time.monotonic()
        ended = now > self.deadline or all(one.done() for one in self.asked.values())
        return ended and now > self.begun + KEPT_SECONDS


class Readiness:
    """Ask every service, for so many seconds in total; who is silent is down, by name.

    Threads for each, so that one that hangs leaves the others theirs.
    """

    def __init__(self, services: Mapping[str, WSGIApplication], seconds: float) -> None:
        self._services, self._seconds = services, seconds
        self._threads = {
            name: ThreadPoolExecutor(len(LANGUAGES), f"readiness-{name}") for name in services
        }
        self._looks: dict[str, Look] = {}
        self._lock = Lock()

    def response(self, language: str) -> Response:
        """Sum up all services: down if one is down, degraded if one is degraded, and why."""
        states = self._states(language, self._services)
        found = {state["status"] for state in states}
        status = next(one for one in ("down", "degraded", "ready") if one in found)
        reasons = [reason for state in states for reason in state.get("reasons", ())]
        return _response({"status": status, "reasons": reasons, "services": states})

    def response_of(self, service: str, language: str) -> Response:
        """The same for one service."""
        (state,) = self._states(language, [service])
        return _response(state)

    def _states(self, language: str, services: Iterable[str]) -> list[JsonObject]:
        look = self._look(language)
        answers = [_answer_of(name, look.asked[name], look.deadline) for name in services]
        return [_public(_with_reasons(answer, language), language) for answer in answers]

    def _look(self, language: str) -> Look:
        """The look in this language, which begins at most once a second."""
        with self._lock:
            kept = self._looks.get(language)
            if kept is None or kept.is_old:
                kept = self._looks[language] = self._begin(language)
            return kept

    def _begin(self, language: str) -> Look:
        asked = {
            name: threads.submit(self._ask, name, language)
            for name, threads in self._threads.items()
        }
        now = time.monotonic()
        return Look(asked, now, now + self._seconds)

    def _ask(self, service: str, language: str) -> JsonObject:
        client, environ = Client(self._services[service]), {SECONDS: self._seconds}
        headers = {"Accept-Language": language}
        response = client.get(f"/{service}/readyz", headers=headers, environ_overrides=environ)
        state: JsonObject | None = response.get_json(silent=True)
        return state if state is not None and "service" in state else _down(service)


def _answer_of(service: str, future: Future[JsonObject], deadline: float) -> JsonObject:
    try:
        return future.result(max(0.0, deadline - time.monotonic()))
    except (TimeoutError, CancelledError):
        future.cancel()
        return _down(service)
    except NoAnswer:
        return _down(service)


def _public(answer: JsonObject, language: str) -> JsonObject:
    """What anybody may know of a service's answer."""
    state = {"service": answer["service"], "status": answer["status"]}
    if "reasons" in answer:
        state["reasons"] = [_without_process(reason, language) for reason in answer["reasons"]]
    if "reason" in answer:
        state["reason"] = state["reasons"][0]["text"] if state.get("reasons") else answer["reason"]
    return state


def _without_process(reason: JsonObject, language: str) -> JsonObject:
    text, process = reason.get("text", ""), reason.get("process")
    if process:
        text = text.replace(process, translate(ONE_PROCESS, language))
    return {name: reason.get(name) for name in SHOWN_OF_A_REASON} | {"text": text}


def _with_reasons(answer: JsonObject, language: str) -> JsonObject:
    """The answer with the reason that a service which is away cannot give."""
    if answer["status"] != "down" or "reasons" in answer:
        return answer
    text = translate(AWAY, language)
    away = {"code": "service_away", "service": answer["service"], "text": text}
    return answer | {"reason": text, "reasons": [away]}


def _response(body: JsonObject) -> Response:
    return json_response(body, 503 if body["status"] == "down" else 200)


def _down(service: str) -> JsonObject:
    return {"service": service, "status": "down"}
