"""Hours recorded -> voucher -> alert, through all four services' own code.

Events are delivered twice and in any order.
"""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from devkit.testkit import District, Member, take_outbox
from shared.messaging.envelope import read_event
from shared.messaging.inbox import Delivery

PRICE = 120


@dataclass(frozen=True, slots=True)
class EndState:
    """What everybody ends up with. Ids and times are left out, since they differ between runs."""

    accounts: list[tuple[Any, ...]]
    vouchers: dict[str, int]  #: by status
    earned: int  #: points
    alerts: dict[str, int]  #: by template


class Centre:
    """A district at work: the cinema, its product, the rules, a station, 沈芳 and 王强."""

    def __init__(self, district: District) -> None:
        self.district, self.staff = district, district.token("staff")
        self.numbers = itertools.count()
        self.offer_tickets()
        organisation = {"name": "站", "kind": "company"}
        self.station = self.request("POST", "/v1/organisations", organisation)["id"]
        self.system = district.token("system", "partner", scopes="records:write records:verified")
        self.fang, self.qiang = self.volunteer("沈芳"), self.volunteer("王强")

    def offer_tickets(self) -> None:
        """Open a cinema whose tickets are issued as soon as somebody has the points."""
        cinema = {"name": "星光影城", "kind": "cinema"}
        product = {
            "venue_id": self.request("POST", "/v1/venues", cinema, service="rewards")["id"],
            "title": "电影票",
            "points": PRICE,
            "stock": 100,
            "valid_days": 90,
        }
        product_id = self.request("POST", "/v1/products", product, service="rewards")["id"]
        earn = {"kind": "earn", "minutes": 1, "points": 1}
        issue = {"kind": "issue", "product_id": product_id}
        for rule in (earn, issue):
            self.request("POST", "/v1/rules", rule, service="rewards")

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        as_: str | None = None,
        service: str = "registration",
    ) -> Any:
        """Call a service, as staff unless `as_` says otherwise. It must succeed."""
        response = self.district.services[service].call(method, path, body, as_=as_ or self.staff)
        assert response.status_code < 300, response.get_data(as_text=True)
        return response.get_json()

    def volunteer(self, name: str) -> str:
        body = {"name": name, "phone": f"139{next(self.numbers):08}", "birth_date": "1990-01-01"}
        volunteer_id = str(self.request("POST", "/v1/volunteers", body)["id"])
        self.request("PUT", f"/v1/volunteers/{volunteer_id}/activation")
        return volunteer_id

    def work(self, volunteer_id: str, minutes: int) -> str:
        """Record verified minutes of a volunteer. Returns the record's id."""
        body = self.record(volunteer_id, minutes)
        return str(self.request("POST", "/v1/service-records", body, as_=self.system)["id"])

    def record(self, volunteer_id: str, minutes: int) -> dict[str, Any]:
        """Make a service record that overlaps no other."""
        number = next(self.numbers)
        start = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=12 * number)
        return {
            "volunteer_id": volunteer_id,
            "organisation_id": self.station,
            "category": "community",
            "started_at": start.isoformat(),
            "ended_at": (start + timedelta(minutes=minutes)).isoformat(),
            "reference": f"flow-{number}",
        }

    def voucher(self, volunteer_id: str) -> dict[str, Any]:
        """The one voucher that a volunteer has."""
        path = f"/v1/vouchers?holder_id={volunteer_id}"
        [found] = self.request("GET", path, service="rewards")["items"]
        assert isinstance(found, dict)
        return found

    def code(self, voucher_id: str, holder_id: str) -> str:
        holder = self.district.token("volunteer", holder_id)
        path = f"/v1/vouchers/{voucher_id}/code"
        return str(self.request("GET", path, as_=holder, service="rewards")["code"])

    def venue_secret(self, voucher_id: str, kind: str) -> str:
        """Create a secret for the venue of a voucher."""
        voucher = self.request("GET", f"/v1/vouchers/{voucher_id}", service="rewards")
        path = f"/v1/venues/{voucher['venue_id']}/secrets"
        return str(self.request("POST", path, {"kind": kind}, service="rewards")["secret"])

    def alert_templates(self, volunteer_id: str) -> list[str]:
        path = f"/v1/people/{volunteer_id}/alerts"
        alerts = self.request("GET", path, service="notify")["items"]
        return [alert["template"] for alert in alerts]

    def end_state(self) -> EndState:
        rewards, notify = self.district.rewards, self.district.notify
        [(earned,)] = rows_of(
            rewards, "SELECT coalesce(sum(amount), 0) FROM transfers WHERE kind = 'earned'"
        )
        return EndState(
            accounts=rows_of(
                rewards,
                "SELECT minutes_credited, points_available, points_held, status FROM accounts "
                "ORDER BY 1, 2, 3, 4",
            ),
            vouchers=dict(rows_of(rewards, "SELECT status, count(*) FROM vouchers GROUP BY 1")),
            earned=int(earned),
            alerts=dict(rows_of(notify, "SELECT template, count(*) FROM alerts GROUP BY 1")),
        )

    def assert_no_leftovers(self) -> None:
        for service in self.district.services.values():
            for table in ("attempts", "dead_letters"):
                rows = rows_of(service, f"SELECT * FROM {table}")
                assert not rows, f"{service.service}.{table}: {rows}"


def rows_of(service: Member, query: str) -> list[tuple[Any, ...]]:
    with service.session() as session:
        return [tuple(row) for row in session.execute(text(query))]


@pytest.fixture
def centre(district: District) -> Centre:
    return Centre(district)


def test_hours_become_a_voucher_and_an_alert(centre: Centre, district: District) -> None:
    centre.work(centre.fang, 150)
    district.deliver_all()

    account = centre.request("GET", f"/v1/accounts/{centre.fang}", service="rewards")
    assert (account["minutes_credited"], account["points_available"]) == (150, 150 - PRICE)
    assert centre.voucher(centre.fang)["status"] == "issued"
    assert {"hours_recorded", "voucher_issued"} <= set(centre.alert_templates(centre.fang))
    of_qiang = f"/v1/vouchers?holder_id={centre.qiang}"
    assert centre.request("GET", of_qiang, service="rewards")["items"] == []
    centre.assert_no_leftovers()


def end_state_of_work(centre: Centre, times: int, seed: int | None) -> EndState:
    """Record the same work, deliver its events `times` times, shuffled by `seed`."""
    for minutes in (50, 80, 130, 30, 240):
        centre.work(centre.fang, minutes)
        centre.work(centre.qiang, minutes // 2)
    centre.district.deliver_all(times=times, seed=seed)
    centre.assert_no_leftovers()
    return centre.end_state()


@pytest.mark.check("R10")
def test_events_doubled_and_shuffled_end_the_same(centre: Centre, district: District) -> None:
    in_order = end_state_of_work(centre, 1, None)
    for seed in range(4):
        district.clear()
        assert end_state_of_work(Centre(district), 2, seed) == in_order


def test_a_trace_is_followed_from_request_to_alert(centre: Centre, district: District) -> None:
    """The trace id of the HTTP request is in registration's and rewards' outbox rows."""
    trace = "ab" * 16
    district.deliver_all()
    response = district.registration.call(
        "POST",
        "/v1/service-records",
        centre.record(centre.fang, PRICE),
        as_=centre.system,
        headers={"traceparent": f"00-{trace}-{'cd' * 8}-01"},
    )
    assert response.status_code == 201
    district.deliver_all()

    for service in (district.registration, district.rewards):
        found = rows_of(service, f"SELECT type FROM outbox WHERE traceparent LIKE '%{trace}%'")
        assert found, f"{service.service} lost the trace"


def take_events(district: District, *types: str) -> list[Delivery]:
    """Take all messages out of registration's outbox and return those of these types, in order."""
    taken = take_outbox(district.registration)
    return [Delivery(body) for wanted in types for type_, _, body in taken if type_ == wanted]


PAIRS = [
    ("volunteer.registered", "hours.recorded"),
    ("volunteer.merged", "hours.recorded"),
    ("volunteer.erased", "hours.recorded"),
    ("hours.recorded", "hours.corrected"),
]


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_a_pair_of_events_may_come_in_either_order(
    district: District, pair: tuple[str, str]
) -> None:
    """Each order in a fresh district, each event delivered twice: the same end state."""
    first, second = pair
    in_order = end_state_of_pair(district, pair, (first, second))
    assert end_state_of_pair(district, pair, (second, first)) == in_order


def end_state_of_pair(
    district: District, pair: tuple[str, str], order: tuple[str, str]
) -> tuple[list[tuple[Any, ...]], int]:
    """Cause both events and deliver them in this order, twice. Returns accounts and live vouchers.

    Alerts and earned points are left out: they also show what happened on the way.
    """
    district.clear()
    centre = Centre(district)
    if "volunteer.registered" not in pair:
        district.deliver_all()
    cause(centre, pair)
    deliveries = take_events(district, *order)
    assert len(deliveries) >= 2
    for delivery in deliveries * 2:
        deliver(district, delivery)
    centre.assert_no_leftovers()
    state = centre.end_state()
    return state.accounts, state.vouchers.get("issued", 0)


def cause(centre: Centre, pair: tuple[str, str]) -> None:
    """Do what publishes these two events."""
    record_id, path = centre.work(centre.fang, 150), f"/v1/volunteers/{centre.fang}"
    if "hours.corrected" in pair:
        correct(centre, record_id, 40)
    if "volunteer.merged" in pair:
        centre.request("PUT", f"{path}/merger", {"into_id": centre.qiang})
    if "volunteer.erased" in pair:
        centre.request("PUT", f"{path}/departure")
        centre.request("PUT", f"{path}/erasure")


def correct(centre: Centre, record_id: str, minutes: int) -> None:
    """Correct a record: one person of staff proposes it, another approves it."""
    record = centre.request("GET", f"/v1/service-records/{record_id}")
    end = datetime.fromisoformat(record["started_at"]) + timedelta(minutes=minutes)
    body = {"started_at": record["started_at"], "ended_at": end.isoformat(), "reason": "早退"}
    path = f"/v1/service-records/{record_id}/corrections"
    correction = centre.request("POST", path, body)
    path, other = f"/v1/corrections/{correction['id']}/approval", centre.district.token("staff")
    centre.request("PUT", path, {"decision": "approve"}, as_=other)


def deliver(district: District, delivery: Delivery) -> None:
    """Deliver one message to every service that handles it."""
    for service in read_event(delivery.body).handled_by:
        district.services[service].inbox.receive([delivery])


def test_redeemed_before_issued_leaves_both_alerts_once(centre: Centre, district: District) -> None:
    centre.work(centre.fang, PRICE)
    deliveries = take_events(
        district, "volunteer.registered", "volunteer.activated", "hours.recorded"
    )
    district.rewards.inbox.receive(deliveries)
    voucher = centre.voucher(centre.fang)["id"]
    redemption = {"code": centre.code(voucher, centre.fang), "reference": "R"}
    key = {"Api-Key": centre.venue_secret(voucher, "api_key")}
    response = district.rewards.call("POST", "/v1/vouchers/redeem", redemption, headers=key)
    assert response.get_json()["outcome"] == "redeemed"

    published = {type_: Delivery(body) for type_, _, body in take_outbox(district.rewards)}
    for type_ in ("voucher.redeemed", "voucher.issued") * 2:
        district.notify.inbox.receive([published[type_]])

    templates = centre.alert_templates(centre.fang)
    assert sorted(name for name in templates if name.startswith("voucher")) == [
        "voucher_issued",
        "voucher_redeemed",
    ]
