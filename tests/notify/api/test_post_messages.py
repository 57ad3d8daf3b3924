"""POST /v1/messages and the dev mailbox; dead letters."""

import pytest
from sqlalchemy import select, text

from devkit.testkit import District
from services.notify import messages
from services.notify.models import Message
from shared.messaging.inbox import Delivery

CODE = {"to": "+8613800000011", "kind": "one_time_code", "code": "493817"}


def test_a_code_is_sealed_and_gone_after_five_minutes(district: District) -> None:
    system = district.token("system", "registration", scopes="messages:send")
    assert district.notify.call("POST", "/v1/messages", CODE, as_=system).status_code == 201
    with district.notify.session() as session:
        row = session.scalars(select(Message)).one()
        assert b"493817" not in row.content
        assert b"13800000011" not in row.recipient
    assert district.notify.published() == []
    with district.notify.session() as session:
        assert messages.forget_expired(session) == 0
        session.execute(text("UPDATE messages SET expires_at = expires_at - interval '5 minutes'"))
        assert messages.mailbox(session, 10) == []
        assert messages.forget_expired(session) == 1


def test_only_systems_send_messages_and_each_has_one_content(district: District) -> None:
    system = district.token("system", "registration", scopes="messages:send")
    staff = district.token("staff")
    both = {**CODE, "text": "x"}
    assert district.notify.call("POST", "/v1/messages", CODE, as_=staff).status_code == 403
    assert district.notify.call("POST", "/v1/messages", both, as_=system).status_code == 422
    with district.notify.session() as session:
        assert session.scalars(select(Message)).all() == []


def test_the_mailbox_exists_in_embedded_mode_only(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert district.notify.call("GET", "/v1/messages").status_code == 404
    system = district.token("system", "r", scopes="messages:send")
    district.notify.call("POST", "/v1/messages", CODE, as_=system)
    embedded = district.notify.settings.model_copy(update={"embedded": True})
    monkeypatch.setitem(district.notify.app.extensions, "settings", embedded)
    [mail] = district.notify.call("GET", "/v1/messages").json["items"]
    assert (mail["to"], mail["text"]) == ("+8613800000011", "493817")


def test_staff_see_and_replay_dead_letters(district: District) -> None:
    district.notify.receive(Delivery(b"not an event"))
    staff, volunteer = district.token("staff"), district.token("volunteer")
    [letter] = district.notify.call("GET", "/v1/dead-letters", as_=staff).json["items"]
    assert letter["reason"] == "unreadable"
    path = f"/v1/dead-letters/{letter['id']}/replay"
    assert district.notify.call("POST", path, as_=staff).status_code == 409
    assert district.notify.call("GET", "/v1/dead-letters", as_=volunteer).status_code == 403
