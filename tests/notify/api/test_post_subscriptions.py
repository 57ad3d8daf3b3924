"""Webhook subscriptions from creation to delivery, against a receiver on loopback."""

import json
import threading
from datetime import timedelta
from time import monotonic
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update
from standardwebhooks import Webhook

from devkit.testkit import District
from services.notify.models import (
    Delivery,
    DeliveryAttempt,
    DeliveryStatus,
    Subscription,
    SubscriptionSecret,
)
from services.notify.webhooks import delivery, sender
from services.notify.webhooks.sender import post
from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.db.engine import using
from tests.support.receivers import dripper, message, receiver, voucher

SECOND = timedelta(seconds=1)


def subscribe(district: District, url: str, **more) -> dict:
    answer = district.notify.call(
        "POST",
        "/v1/subscriptions",
        {"url": url, "events": ["voucher.issued"], **more},
        as_=district.token("staff"),
    )
    assert answer.status_code == 201, answer.json
    return answer.json


def sweep(district: District) -> int:
    with using(district.notify.database):
        return delivery.send_due()


def make_due(district: District) -> None:
    with district.notify.session() as session:
        session.execute(update(Delivery).values(due_at=app_now()))


def only_delivery(district: District) -> Delivery:
    with district.notify.session() as session:
        return session.scalars(select(Delivery)).one()


def test_a_fact_arrives_once_signed_as_it_was_said(district: District) -> None:
    with receiver() as cinema:
        secret = subscribe(district, cinema.url)["secret"]
        event = message(voucher(new_id()))
        district.notify.hear(event, event)
        district.notify.hear(event)
        assert sweep(district) == 1
        assert sweep(district) == 0
    [(_, headers, body)] = cinema.got
    assert body == event.body
    lower = {k.lower(): v for k, v in headers.items()}
    assert Webhook(secret).verify(body, lower)["type"] == "voucher.issued"
    assert lower["webhook-id"] == json.loads(body)["id"]
    assert only_delivery(district).status is DeliveryStatus.DELIVERED
    with district.notify.session() as session:
        sealed = session.scalars(select(SubscriptionSecret.sealed)).one()
        assert secret.encode() not in sealed


def test_a_rotated_secret_signs_along_for_a_day(district: District) -> None:
    with receiver() as cinema:
        made = subscribe(district, cinema.url)
        path = f"/v1/subscriptions/{made['id']}"
        staff = district.token("staff")
        new = district.notify.call("POST", f"{path}/secrets", as_=staff).json["secret"]
        assert district.notify.call("POST", f"{path}/test", as_=staff).status_code == 202
        sweep(district)
        with district.notify.session() as session:
            session.execute(
                text(
                    "UPDATE subscription_secrets SET valid_until = valid_until - interval '25 hours'"
                )
            )
        district.notify.call("POST", f"{path}/test", as_=staff)
        sweep(district)
    for secret in (made["secret"], new):
        Webhook(secret).verify(cinema.got[0][2], cinema.got[0][1])
    Webhook(new).verify(cinema.got[1][2], cinema.got[1][1])
    with pytest.raises(Exception, match="No matching"):
        Webhook(made["secret"]).verify(cinema.got[1][2], cinema.got[1][1])


def test_a_failure_is_tried_again_later_and_retry_after_is_honoured(district: District) -> None:
    with receiver() as cinema:
        made = subscribe(district, cinema.url)
        cinema.answers = [(500, {}), (503, {"Retry-After": "3600"})]
        district.notify.hear(message(voucher(new_id())))
        for _ in range(2):
            sweep(district)
            assert sweep(district) == 0
            if len(cinema.got) == 1:
                make_due(district)
        with district.notify.session() as session:
            wait = session.scalar(select(func.extract("epoch", Delivery.due_at - app_now())))
        assert 3500 < wait <= 3600
        make_due(district)
        sweep(district)
    log = district.notify.call(
        "GET", f"/v1/subscriptions/{made['id']}/attempts", as_=district.token("staff")
    ).json
    assert [a["status"] for a in log["items"]] == [200, 503, 500]
    assert len({headers["webhook-id"] for _, headers, _ in cinema.got}) == 1


def test_410_disables_once_and_recover_sends_what_was_held(district: District) -> None:
    with receiver() as cinema:
        made = subscribe(district, cinema.url)
        staff, path = district.token("staff"), f"/v1/subscriptions/{made['id']}"
        cinema.answers = [(410, {})]
        district.notify.hear(message(voucher(new_id())))
        sweep(district)
        assert [s["data"]["reason"] for s in district.notify.said("subscription.disabled")] == [
            "gone"
        ]
        district.notify.hear(message(voucher(new_id())))
        assert sweep(district) == 0
        since = {"since": "2020-01-01T00:00:00Z"}
        assert district.notify.call("POST", f"{path}/recover", since, as_=staff).status_code == 409
        assert (
            district.notify.call("PUT", f"{path}/activation", as_=staff).json["disabled_at"] is None
        )
        assert district.notify.call("POST", f"{path}/recover", since, as_=staff).json == {
            "deliveries": 2
        }
        assert sweep(district) == 2
    assert len(cinema.got) == 3


def test_five_days_of_failures_disable_and_a_spent_schedule_is_dead(district: District) -> None:
    with receiver() as cinema:
        subscribe(district, cinema.url)
        cinema.answers = [(500, {})] * 2
        district.notify.hear(message(voucher(new_id())))
        with district.notify.session() as session:
            session.execute(update(Delivery).values(attempts=7))
        sweep(district)
        assert only_delivery(district).status is DeliveryStatus.DEAD
        assert district.notify.said() == []
        with district.notify.session() as session:
            session.execute(
                text("UPDATE subscriptions SET failing_since = failing_since - interval '6 days'")
            )
        district.notify.hear(message(voucher(new_id())))
        sweep(district)
    assert [s["data"]["reason"] for s in district.notify.said()] == ["failing"]


def test_a_redirect_is_a_failure_and_is_not_followed(district: District) -> None:
    with receiver() as cinema, receiver() as elsewhere:
        subscribe(district, cinema.url)
        cinema.answers = [(307, {"Location": elsewhere.url})]
        district.notify.hear(message(voucher(new_id())))
        sweep(district)
        assert elsewhere.got == []
    assert only_delivery(district).status is DeliveryStatus.WAITING


def test_two_sweeps_never_send_the_same_delivery_at_once(district: District) -> None:
    with receiver() as cinema:
        subscribe(district, cinema.url)
        cinema.hold.clear()
        district.notify.hear(message(voucher(new_id())), message(voucher(new_id())))
        sweeps = [threading.Thread(target=sweep, args=(district,)) for _ in range(4)]
        for thread in sweeps:
            thread.start()
        cinema.hold.wait(0.7)
        cinema.hold.set()
        for thread in sweeps:
            thread.join()
    assert len(cinema.got) == 2


def test_killed_mid_send_it_is_sent_again_after_the_lease_and_not_before(
    district: District,
) -> None:
    with receiver() as cinema:
        subscribe(district, cinema.url)
        district.notify.hear(message(voucher(new_id())))
        with district.notify.session() as session:
            assert len(delivery.claim_due(session, 5)) == 1  # and the process dies here
        assert sweep(district) == 0
        with district.notify.session() as session:
            session.execute(
                text("UPDATE deliveries SET claimed_until = claimed_until - interval '61 s'")
            )
        assert sweep(district) == 1
    assert len(cinema.got) == 1
    assert only_delivery(district).attempts == 2


def test_a_slow_receiver_holds_only_a_few_senders(district: District) -> None:
    with receiver() as slow, receiver() as quick:
        subscribe(district, slow.url)
        slow.hold.clear()
        district.notify.hear(*[message(voucher(new_id())) for _ in range(20)])
        subscribe(district, quick.url)
        district.notify.hear(message(voucher(new_id())))
        thread = threading.Thread(target=sweep, args=(district,))
        thread.start()
        slow.hold.wait(1.0)
        assert (len(slow.got), len(quick.got)) == (delivery.IN_FLIGHT, 1)
        slow.hold.set()
        thread.join()
        assert len(slow.got) == 21


def test_a_venue_hears_only_of_its_own(district: District) -> None:
    with receiver() as cinema:
        star, other = new_id(), new_id()
        subscribe(district, cinema.url, venue_id=str(star))
        district.notify.hear(message(voucher(new_id(), star)), message(voucher(new_id(), other)))
        sweep(district)
    assert [json.loads(body)["data"]["venue_id"] for _, _, body in cinema.got] == [str(star)]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_receiver_that_drips_is_cut_off_and_has_failed(
    district: District, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setattr(sender, "DEADLINE_SECONDS", 1.0)
    # A success without end to its headers; a TLS handshake of 16 KiB.
    first = (
        b"HTTP/1.1 200 OK\r\nX-Drip: "
        if scheme == "http"
        else b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"
    )
    with dripper(first) as port:
        subscribe(district, f"{scheme}://127.0.0.1:{port}/hook")
        district.notify.hear(message(voucher(new_id())))
        started = monotonic()
        assert sweep(district) == 1
        assert monotonic() - started < 4
    assert only_delivery(district).status is DeliveryStatus.WAITING
    with district.notify.session() as session:
        attempt = session.scalars(select(DeliveryAttempt)).one()
    assert (attempt.status, attempt.error) == (None, "DeadlineExceeded")


def test_the_body_of_a_redirect_is_not_waited_for(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "DEADLINE_SECONDS", 1.0)
    with dripper(b"HTTP/1.1 307 No\r\nLocation: /\r\nContent-Length: 9999999\r\n\r\n") as port:
        assert post(district.settings, f"http://127.0.0.1:{port}/", b"{}", {}).status == 307


@pytest.mark.parametrize(
    "asked",
    [
        "Mon, 01 Jan 2024 00:00:00 +99999999999999",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        "9" * 5000,
        "soon",
        "",
    ],
)
def test_an_unreadable_retry_after_is_an_ordinary_failure(district: District, asked: str) -> None:
    with receiver() as cinema:
        subscribe(district, cinema.url)
        cinema.answers = [(503, {"Retry-After": asked})]
        district.notify.hear(message(voucher(new_id())))
        assert sweep(district) == 1
    with district.notify.session() as session:
        assert session.scalars(select(DeliveryAttempt)).one().status == 503
        assert session.scalar(
            select(Delivery.due_at <= app_now() + sender.LONGEST_WAIT_SECONDS * SECOND)
        )


PRIVATE = [
    "https://10.0.0.1/",
    "https://192.168.1.1/x",
    "https://169.254.169.254/latest",
    "https://[::1]/",
    "https://0.0.0.0/",
    "https://[::ffff:10.0.0.1]/",
    "https://0xa000001/",
    "https://167772161/",
    "https://012.0.0.1/",
    "https://localhost/",
    "https://metadata/",
    "https://db.internal/",
    "https://u:p@example.com/",
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "https://10.0.0.1\\@example.com/",
    "https:///x",
    "https://１０.0.0.1/",
    "https://[fe80::1%25lo]/",
    "https://example.com:99999999/",
    "not a url",
]


@pytest.mark.parametrize("url", PRIVATE)
def test_private_addresses_are_refused_in_any_notation(district: District, url: str) -> None:
    body = {"url": url, "events": ["voucher.issued"]}
    answer = district.notify.call("POST", "/v1/subscriptions", body, as_=district.token("staff"))
    assert answer.status_code == 422, answer.json
    with district.notify.session() as session:
        assert session.scalar(select(func.count()).select_from(Subscription)) == 0


@pytest.mark.parametrize("host", ["10.0.0.1", "2130706433", "localhost", "[::1]", "0x7f000001"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_private_addresses_are_refused_when_sending_too(
    district: District, scheme: str, host: str
) -> None:
    with receiver() as inside:
        port = inside.url.rpartition(":")[2].partition("/")[0]
        strict = district.settings.model_copy(update={"webhook_test_networks": ""})
        answer = post(strict, f"{scheme}://{host}:{port}/", b"{}", {})
        assert (answer.status, inside.got) == (None, [])
        assert answer.error == "AntiSSRFError"


def test_only_staff_subscribe_and_only_to_known_events(district: District) -> None:
    body = {
        "url": "https://example.com/hook",
        "events": ["voucher.issued", "person.access_changed"],
    }
    assert (
        district.notify.call(
            "POST", "/v1/subscriptions", body, as_=district.token("staff")
        ).status_code
        == 422
    )
    assert (
        district.notify.call(
            "POST", "/v1/subscriptions", body, as_=district.token("volunteer")
        ).status_code
        == 403
    )
    made = subscribe(district, "https://example.com/hook")
    staff = district.token("staff")
    listed = district.notify.call("GET", "/v1/subscriptions", as_=staff).json["items"]
    assert [UUID(s["id"]) for s in listed] == [UUID(made["id"])]
    assert "secret" not in listed[0]
    path = f"/v1/subscriptions/{made['id']}"
    for _ in range(2):
        assert district.notify.call("DELETE", path, as_=staff).status_code == 204
    assert (
        district.notify.call("DELETE", f"/v1/subscriptions/{new_id()}", as_=staff).status_code
        == 404
    )
    assert district.notify.call("GET", path, as_=staff).status_code == 404


def test_attempts_are_logged_without_bodies() -> None:
    assert not {"body", "headers", "url"} & set(DeliveryAttempt.__table__.columns.keys())
