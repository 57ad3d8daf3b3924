"""Renewals of log-ins: each refresh token is sent once, and its answer is remembered."""

import time
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from devkit.installation import wait_until
from gateway import login_sessions
from gateway.json_responses import json_response
from gateway.login_sessions import LoginSession, Renewals, RenewalUnanswered

TOKEN = "x.eyJyb2xlIjoidm9sdW50ZWVyIiwic3ViIjoiMSIsImV4cCI6MX0.x"


def session(refresh: str) -> LoginSession:
    return LoginSession("access", refresh, "volunteer", "1", 0)


def test_an_answer_that_waited_for_a_thread_is_remembered_from_when_it_was_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(login_sessions, "RENEWALS_AT_ONCE", 1)
    monkeypatch.setattr(login_sessions, "REMEMBER_RENEWAL_SECONDS", 0.8)
    sent: list[str] = []

    def call(_method: str, _path: str, **options: Any) -> TestResponse:
        sent.append(options["json"]["refresh_token"])
        time.sleep(1 if sent == ["slow"] else 0)
        return Client(json_response({"access_token": TOKEN}, 200)).get("/")

    renewals = Renewals(call, page_seconds=0.05)
    for refresh in ("slow", "queued"):
        with pytest.raises(RenewalUnanswered):
            renewals.renewed(session(refresh), "")
    wait_until(lambda: len(sent) == 2, 3, "the second was not sent")
    time.sleep(0.1)
    assert renewals.renewed(session("queued"), "") is not None
    assert sent == ["slow", "queued"]  # a second use would end the log-in everywhere
