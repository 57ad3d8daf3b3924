"""POST /v1/messages and the dev mailbox; dead letters."""

from sqlalchemy import select, text

from devkit.testkit import District
from services.notify import messages
from services.notify.models import Message
from shared.messaging.inbox import Delivery


def test_a_code_is_sealed_and_gone_after_five_minutes(district: District) -> None:
    body = {"to": "+8613800000011", "kind": "one_time_code", "code": "493817"}
    system = district.token("system", "registration", scopes="messages:send")
    assert district.notify.call("POST", "/v1/messages", body, as_=system).status_code == 201
    assert (
        district.notify.call("POST", "/v1/messages", body, as_=district.token("staff")).status_code
        == 403
    )
    assert (
        district.notify.call("POST", "/v1/messages", {**body, "text": "x"}, as_=system).status_code
        == 422
    )
    with district.notify.session() as session:
        row = session.scalars(select(Message)).one()
        assert b"493817" not in row.content
        assert b"13800000011" not in row.recipient
    assert district.notify.said() == []
    with district.notify.session() as session:
        assert messages.forget_expired(session) == 0
        session.execute(text("UPDATE messages SET expires_at = expires_at - interval '5 minutes'"))
        assert messages.mailbox(session, 10) == []
        assert messages.forget_expired(session) == 1


def test_the_mailbox_exists_in_embedded_mode_only(district: District, monkeypatch) -> None:
    assert district.notify.call("GET", "/v1/messages").status_code == 404
    body = {"to": "+8613800000011", "kind": "one_time_code", "code": "493817"}
    district.notify.call(
        "POST", "/v1/messages", body, as_=district.token("system", "r", scopes="messages:send")
    )
    embedded = district.notify.settings.model_copy(update={"embedded": True})
    monkeypatch.setitem(district.notify.app.extensions, "settings", embedded)
    [mail] = district.notify.call("GET", "/v1/messages").json["items"]
    assert (mail["to"], mail["text"]) == ("+8613800000011", "493817")


def test_staff_see_and_replay_dead_letters(district: District) -> None:
    district.notify.hear(Delivery(b"not an event"))
    staff = district.token("staff")
    [letter] = district.notify.call("GET", "/v1/dead-letters", as_=staff).json["items"]
    assert letter["reason"] == "unreadable"
    assert (
        district.notify.call(
            "POST", f"/v1/dead-letters/{letter['id']}/replay", as_=staff
        ).status_code
        == 409
    )
    assert (
        district.notify.call("GET", "/v1/dead-letters", as_=district.token("volunteer")).status_code
        == 403
    )
