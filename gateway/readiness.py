"""`/readyz` of the gateway: the readiness of all services, each asked at the same time."""

import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from wsgiref.types import WSGIApplication

from werkzeug.test import Client
from werkzeug.wrappers import Response

from gateway.json_responses import json_response
from gateway.upstreams import SECONDS, NoAnswer
from shared.core.json import JsonObject


class Readiness:
    """Ask every service, for so many seconds in total; who is silent is down, by name.

    A thread each, so that one that hangs leaves the others theirs.
    """

    def __init__(self, services: Mapping[str, WSGIApplication], seconds: float) -> None:
        self._services, self._seconds = services, seconds
        self._threads = {name: ThreadPoolExecutor(1, f"readiness-{name}") for name in services}

    def response(self, languages: str = "") -> Response:
        """Sum up all services: down if one is down, degraded if one is degraded, and why.

        `languages`: the Accept-Language of who asks.
        """
        deadline = time.monotonic() + self._seconds
        asked = {
            name: threads.submit(self._ask, name, languages)
            for name, threads in self._threads.items()
        }
        states = [_state_of(name, future, deadline) for name, future in asked.items()]
        found = {state["status"] for state in states}
        status = next(one for one in ("down", "degraded", "ready") if one in found)
        reasons = [reason for state in states for reason in _reasons_in(state)]
        body = {"status": status, "reasons": reasons, "services": states}
        return json_response(body, 503 if status == "down" else 200)

    def _ask(self, service: str, languages: str) -> JsonObject:
        client, environ = Client(self._services[service]), {SECONDS: self._seconds}
        headers = {"Accept-Language": languages}
        response = client.get(f"/{service}/readyz", headers=headers, environ_overrides=environ)
        state: JsonObject | None = response.get_json(silent=True)
        return state if state is not None and "service" in state else _down(service)


def _state_of(service: str, future: Future[JsonObject], deadline: float) -> JsonObject:
    try:
        return future.result(max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        future.cancel()
        return _down(service) | {"reason": "it does not answer"}
    except NoAnswer:
        return _down(service) | {"reason": "it does not answer"}


def _reasons_in(state: JsonObject) -> list[JsonObject]:
    """Why a service is not ready: which loop of which process. One that gives no reason is away."""
    silent = {"code": "service_away", "service": state["service"], "loop": None, "process": None}
    given: list[JsonObject] = state.get("reasons", [silent] if state["status"] == "down" else [])
    return given


def _down(service: str) -> JsonObject:
    return {"service": service, "status": "down"}
