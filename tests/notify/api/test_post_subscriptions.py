"""Webhook subscriptions from creation to delivery, against a receiver on loopback."""

import json
import threading
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from standardwebhooks import Webhook, WebhookVerificationError

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

LONG_AGO = {"since": "2020-01-01T00:00:00Z"}


def subscribe(district: District, url: str, **more: Any) -> dict[str, Any]:
    body = {"url": url, "events": ["voucher.issued"], **more}
    response = district.notify.call("POST", "/v1/subscriptions", body, as_=district.token("staff"))
    assert response.status_code == 201, response.json
    created: dict[str, Any] = response.json
    return created


def issue_vouchers(district: District, count: int = 1) -> None:
    district.notify.receive(*[message(voucher(new_id())) for _ in range(count)])


def sweep(district: District) -> int:
    with using(district.notify.database):
        return delivery.send_due()


def make_due(district: District) -> None:
    with district.notify.session() as session:
        session.execute(update(Delivery).values(due_at=app_now()))


def only_delivery(district: District) -> Delivery:
    with district.notify.session() as session:
        return session.scalars(select(Delivery)).one()


def seconds_until_due(district: District) -> float:
    with district.notify.session() as session:
        wait = select(func.extract("epoch", Delivery.due_at - app_now()))
        return float(session.scalars(wait).one())


def reasons_of_disabling(district: District) -> list[str]:
    return [event["data"]["reason"] for event in district.notify.published("subscription.disabled")]


def verifies(secret: str, sent: tuple[str, dict[str, str], bytes]) -> bool:
    _, headers, body = sent
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def test_an_event_arrives_once_signed_and_unchanged(district: District) -> None:
    with receiver() as cinema:
        secret = subscribe(district, cinema.url)["secret"]
        event = message(voucher(new_id()))
        district.notify.receive(event, event)
        district.notify.receive(event)
        assert sweep(district) == 1
        assert sweep(district) == 0
    [(_, headers, body)] = cinema.received
    assert body == event.body
    lower = {name.lower(): value for name, value in headers.items()}
    assert Webhook(secret).verify(body, lower)["type"] == "voucher.issued"
    assert lower["webhook-id"] == json.loads(body)["id"]
    assert only_delivery(district).status is DeliveryStatus.DELIVERED
    with district.notify.session() as session:
        sealed = session.scalars(select(SubscriptionSecret.sealed)).one()
        assert secret.encode() not in sealed


def test_after_a_rotation_both_secrets_sign_for_a_day(district: District) -> None:
    staff = district.token("staff")
    with receiver() as cinema:
        created = subscribe(district, cinema.url)
        path, old = f"/v1/subscriptions/{created['id']}", created["secret"]
        new = district.notify.call("POST", f"{path}/secrets", as_=staff).json["secret"]
        assert district.notify.call("POST", f"{path}/test", as_=staff).status_code == 202
        sweep(district)
        pass_25_hours_for_secrets(district)
        district.notify.call("POST", f"{path}/test", as_=staff)
        sweep(district)
    first, second = cinema.received
    assert verifies(old, first)
    assert verifies(new, first)
    assert verifies(new, second)
    assert not verifies(old, second)


def pass_25_hours_for_secrets(district: District) -> None:
    earlier = SubscriptionSecret.valid_until - timedelta(hours=25)
    with district.notify.session() as session:
        session.execute(update(SubscriptionSecret).values(valid_until=earlier))


@pytest.mark.check("W2")
def test_a_failure_is_tried_again_later_and_not_before_retry_after(district: District) -> None:
    with receiver() as cinema:
        created = subscribe(district, cinema.url)
        cinema.responses = [(500, {}), (503, {"Retry-After": "3600"})]
        issue_vouchers(district)
        sweep(district)
        assert sweep(district) == 0
        make_due(district)
        sweep(district)
        assert sweep(district) == 0
        assert 3500 < seconds_until_due(district) <= 3600
        make_due(district)
        sweep(district)
    path, staff = f"/v1/subscriptions/{created['id']}/attempts", district.token("staff")
    attempts = district.notify.call("GET", path, as_=staff).json["items"]
    assert [attempt["status"] for attempt in attempts] == [200, 503, 500]
    assert len({headers["webhook-id"] for _, headers, _ in cinema.received}) == 1


@pytest.mark.check("W2")
def test_410_disables_once_and_recover_sends_what_was_held(district: District) -> None:
    with receiver() as cinema:
        created = subscribe(district, cinema.url)
        staff, path = district.token("staff"), f"/v1/subscriptions/{created['id']}"
        cinema.responses = [(410, {})]
        issue_vouchers(district)
        sweep(district)
        assert reasons_of_disabling(district) == ["gone"]

        issue_vouchers(district)
        assert sweep(district) == 0
        refused = district.notify.call("POST", f"{path}/recover", LONG_AGO, as_=staff)
        assert refused.status_code == 409

        enabled = district.notify.call("PUT", f"{path}/activation", as_=staff)
        assert enabled.json["disabled_at"] is None
        recovered = district.notify.call("POST", f"{path}/recover", LONG_AGO, as_=staff)
        assert recovered.json == {"deliveries": 2}
        assert sweep(district) == 2
    assert len(cinema.received) == 3


@pytest.mark.check("W2")
def test_five_days_of_failures_disable_and_a_spent_schedule_is_dead(district: District) -> None:
    with receiver() as cinema:
        subscribe(district, cinema.url)
        cinema.responses = [(500, {})] * 2
        issue_vouchers(district)
        with district.notify.session() as session:
            session.execute(update(Delivery).values(attempts=7))
        sweep(district)
        assert only_delivery(district).status is DeliveryStatus.DEAD
        assert district.notify.published() == []

        six_days_ago = Subscription.failing_since - timedelta(days=6)
        with district.notify.session() as session:
            session.execute(update(Subscription).values(failing_since=six_days_ago))
        issue_vouchers(district)
        sweep(district)
    assert [event["type"] for event in district.notify.published()] == ["subscription.disabled"]
    assert reasons_of_disabling(district) == ["failing"]


@pytest.mark.check("W2", "W4")
def test_a_redirect_is_a_failure_and_is_not_followed(district: District) -> None:
    with receiver() as cinema, receiver() as elsewhere:
        subscribe(district, cinema.url)
        cinema.responses = [(307, {"Location": elsewhere.url})]
        issue_vouchers(district)
        sweep(district)
        assert elsewhere.received == []
    assert only_delivery(district).status is DeliveryStatus.WAITING


def test_two_sweeps_never_send_the_same_delivery_at_once(district: District) -> None:
    with receiver() as cinema:
        subscribe(district, cinema.url)
        cinema.gate.clear()
        issue_vouchers(district, 2)
        sweeps = [threading.Thread(target=sweep, args=(district,)) for _ in range(4)]
        for thread in sweeps:
            thread.start()
        cinema.gate.wait(0.7)
        cinema.gate.set()
        for thread in sweeps:
            thread.join()
    assert len(cinema.received) == 2


@pytest.mark.check("R4", "W2")
def test_killed_mid_send_it_is_sent_again_after_the_lease_and_not_before(
    district: District,
) -> None:
    with receiver() as cinema:
        subscribe(district, cinema.url)
        issue_vouchers(district)
        with district.notify.session() as session:
            assert len(delivery.claim_due(session, 5)) == 1  # and the process dies here
        assert sweep(district) == 0
        earlier = Delivery.claimed_until - timedelta(seconds=61)
        with district.notify.session() as session:
            session.execute(update(Delivery).values(claimed_until=earlier))
        assert sweep(district) == 1
    assert len(cinema.received) == 1
    assert only_delivery(district).attempts == 2


@pytest.mark.check("W3")
def test_a_slow_receiver_occupies_only_a_few_senders(district: District) -> None:
    with receiver() as slow, receiver() as quick:
        subscribe(district, slow.url)
        slow.gate.clear()
        issue_vouchers(district, 20)
        subscribe(district, quick.url)
        issue_vouchers(district)
        thread = threading.Thread(target=sweep, args=(district,))
        thread.start()
        slow.gate.wait(1.0)
        assert (len(slow.received), len(quick.received)) == (delivery.IN_FLIGHT, 1)
        slow.gate.set()
        thread.join()
        assert len(slow.received) == 21


def test_a_venue_gets_only_events_that_name_it(district: District) -> None:
    star, other = new_id(), new_id()
    with receiver() as cinema:
        subscribe(district, cinema.url, venue_id=str(star))
        district.notify.receive(message(voucher(new_id(), star)), message(voucher(new_id(), other)))
        sweep(district)
    [(_, _, body)] = cinema.received
    assert json.loads(body)["data"]["venue_id"] == str(star)


ENDLESS = {
    "http": b"HTTP/1.1 200 OK\r\nX-Drip: ",  # a success whose headers never end
    "https": b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc",  # a TLS handshake of 16 KiB
}


@pytest.mark.check("W2")
@pytest.mark.parametrize("scheme", ENDLESS)
def test_a_receiver_that_drips_is_cut_off_and_has_failed(
    district: District, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setattr(sender, "DEADLINE_SECONDS", 1.0)
    with dripper(ENDLESS[scheme]) as port:
        subscribe(district, f"{scheme}://127.0.0.1:{port}/hook")
        issue_vouchers(district)
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
    "retry_after",
    [
        "Mon, 01 Jan 2024 00:00:00 +99999999999999",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        "9" * 5000,
        "soon",
        "",
    ],
)
def test_an_unreadable_retry_after_is_an_ordinary_failure(
    district: District, retry_after: str
) -> None:
    with receiver() as cinema:
        subscribe(district, cinema.url)
        cinema.responses = [(503, {"Retry-After": retry_after})]
        issue_vouchers(district)
        assert sweep(district) == 1
    with district.notify.session() as session:
        assert session.scalars(select(DeliveryAttempt)).one().status == 503
    assert seconds_until_due(district) <= sender.LONGEST_WAIT_SECONDS


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


@pytest.mark.check("W4")
@pytest.mark.parametrize("url", PRIVATE)
def test_private_addresses_are_refused_in_any_notation(district: District, url: str) -> None:
    body = {"url": url, "events": ["voucher.issued"]}
    response = district.notify.call("POST", "/v1/subscriptions", body, as_=district.token("staff"))
    assert response.status_code == 422, response.json
    with district.notify.session() as session:
        assert session.scalar(select(func.count()).select_from(Subscription)) == 0


@pytest.mark.check("W4")
@pytest.mark.parametrize("host", ["10.0.0.1", "2130706433", "localhost", "[::1]", "0x7f000001"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_private_addresses_are_refused_when_sending_too(
    district: District, scheme: str, host: str
) -> None:
    with receiver() as inside:
        port = inside.url.rpartition(":")[2].partition("/")[0]
        strict = district.settings.model_copy(update={"webhook_test_networks": ""})
        result = post(strict, f"{scheme}://{host}:{port}/", b"{}", {})
        assert (result.status, inside.received) == (None, [])
        assert result.error == "AntiSSRFError"


def test_only_staff_subscribe_and_only_to_known_events(district: District) -> None:
    volunteer, staff = district.token("volunteer"), district.token("staff")
    events = ["voucher.issued", "person.access_changed"]
    body = {"url": "https://example.com/hook", "events": events}
    assert district.notify.call("POST", "/v1/subscriptions", body, as_=staff).status_code == 422
    assert district.notify.call("POST", "/v1/subscriptions", body, as_=volunteer).status_code == 403


def test_a_subscription_is_listed_without_its_secret(district: District) -> None:
    created = subscribe(district, "https://example.com/hook")
    staff = district.token("staff")
    [listed] = district.notify.call("GET", "/v1/subscriptions", as_=staff).json["items"]
    assert UUID(listed["id"]) == UUID(created["id"])
    assert "secret" not in listed


def test_ending_a_subscription_twice_is_harmless_and_unknown_ones_are_404(
    district: District,
) -> None:
    created = subscribe(district, "https://example.com/hook")
    staff, path = district.token("staff"), f"/v1/subscriptions/{created['id']}"
    unknown = f"/v1/subscriptions/{new_id()}"
    assert district.notify.call("DELETE", path, as_=staff).status_code == 204
    assert district.notify.call("DELETE", path, as_=staff).status_code == 204
    assert district.notify.call("DELETE", unknown, as_=staff).status_code == 404
    assert district.notify.call("GET", path, as_=staff).status_code == 404


def test_attempts_are_logged_without_bodies() -> None:
    assert not {"body", "headers", "url"} & set(DeliveryAttempt.__table__.columns.keys())
