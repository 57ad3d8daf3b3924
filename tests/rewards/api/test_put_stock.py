"""Stock is never oversold; backorders are served first come, first served."""

from services.rewards.events import credit_and_issue
from shared.contracts.registration import VolunteerLeft
from shared.core.ids import new_id
from tests.support.at_once import at_once
from tests.support.bank import Bank, Venue


def offer(bank: Bank, stock: int) -> str:
    venue = Venue(bank)
    bank.minute_is_a_point()
    product = bank.product(venue.id, stock=stock)
    bank.issue(product)
    return product


def stock_of(bank: Bank, product: str) -> int:
    return next(
        int(p["stock"]) for p in bank.by_staff("GET", "/v1/products")["items"] if p["id"] == product
    )


def test_without_stock_a_backorder_waits(bank: Bank) -> None:
    product = offer(bank, 1)
    bank.receive(bank.hours(bank.fang, 120))
    bank.receive(bank.hours(bank.qiang, 130), times=2)
    account = bank.account(bank.qiang)
    assert (account["points_available"], account["points_held"]) == (10, 120)
    assert not bank.vouchers(bank.qiang)
    assert [f["subject"] for f in bank.rewards.published("voucher.backordered")] == [
        str(bank.qiang)
    ]
    bank.assert_sound()
    for _ in range(2):
        bank.by_staff("PUT", f"/v1/products/{product}/stock", {"stock": 1})
    assert len(bank.vouchers(bank.qiang, "issued")) == 1
    assert bank.account(bank.qiang)["points_held"] == 0
    assert len(bank.rewards.published("voucher.backordered")) == 1
    bank.assert_sound()


def test_the_waiting_list_is_served_in_order(bank: Bank) -> None:
    product = offer(bank, 0)
    third = new_id()
    for volunteer in (bank.qiang, bank.fang, third):
        bank.receive(bank.hours(volunteer, 120))
    bank.by_staff("PUT", f"/v1/products/{product}/stock", {"stock": 2})
    assert [len(bank.vouchers(v, "issued")) for v in (bank.qiang, bank.fang, third)] == [1, 1, 0]
    assert stock_of(bank, product) == 0
    bank.assert_sound()


def test_it_is_never_oversold_by_buses_at_once(bank: Bank) -> None:
    product = offer(bank, 5)
    batches = [[bank.hours(new_id(), 120) for _ in range(4)] for _ in range(4)]

    def handle(number: int) -> None:
        with bank.rewards.session() as session:
            credit_and_issue(session, batches[number])

    at_once([lambda n=n: handle(n) for n in range(4)])  # type: ignore[misc]
    assert bank.count("vouchers") == 5
    assert bank.count("backorders") == 11
    assert stock_of(bank, product) == 0
    bank.assert_sound()


def test_stock_raised_twice_at_once_issues_each_backorder_once(bank: Bank) -> None:
    product = offer(bank, 0)
    bank.receive(*(bank.hours(new_id(), 120) for _ in range(6)))
    path = f"/v1/products/{product}/stock"
    at_once([lambda: bank.by_staff("PUT", path, {"stock": 10})] * 4)
    assert bank.count("vouchers") == 6
    bank.assert_sound()


def test_a_correction_cancels_backorders_before_it_voids_vouchers(bank: Bank) -> None:
    offer(bank, 1)
    first, second = bank.hours(bank.fang, 120), bank.hours(bank.fang, 120)
    bank.receive(first)
    bank.receive(second)
    bank.receive(bank.correction(second, 120, 0))
    assert bank.rows("SELECT status FROM backorders") == [("cancelled",)]
    assert [v["status"] for v in bank.vouchers(bank.fang)] == ["issued"]
    account = bank.account(bank.fang)
    assert (account["points_available"], account["points_held"], account["shortfall"]) == (0, 0, 0)
    bank.assert_sound()


def test_somebody_who_left_no_longer_waits(bank: Bank) -> None:
    product = offer(bank, 0)
    bank.receive(bank.hours(bank.fang, 120))
    bank.receive(VolunteerLeft(volunteer_id=bank.fang))
    bank.by_staff("PUT", f"/v1/products/{product}/stock", {"stock": 5})
    assert not bank.vouchers(bank.fang)
    bank.assert_sound()


def test_low_stock_is_published_once(bank: Bank) -> None:
    product = offer(bank, 10)
    for _ in range(10):
        bank.receive(bank.hours(bank.fang, 120))
    (event,) = bank.rewards.published("stock.low")
    assert (event["subject"], event["data"]["left"]) == (product, 1)


def test_only_staff_set_stock_and_an_unknown_product_is_404(bank: Bank) -> None:
    product = offer(bank, 1)
    bank.ask(
        "PUT", f"/v1/products/{product}/stock", {"stock": 9}, status=403, as_=bank.of(bank.fang)
    )
    bank.by_staff("PUT", f"/v1/products/{new_id()}/stock", {"stock": 9}, 404)
    bank.by_staff("PUT", f"/v1/products/{product}/stock", {"stock": -1}, 422)


def test_a_suspended_venue_gives_nothing_to_those_who_wait(bank: Bank) -> None:
    venue = bank.venue()
    bank.minute_is_a_point()
    product = bank.product(venue, stock=0)
    bank.issue(product)
    bank.receive(bank.hours(bank.fang, 120))
    bank.by_staff("PUT", f"/v1/venues/{venue}/suspension")
    bank.by_staff("PUT", f"/v1/products/{product}/stock", {"stock": 5})
    assert not bank.vouchers(bank.fang)
    bank.by_staff("DELETE", f"/v1/venues/{venue}/suspension")
    bank.by_staff("PUT", f"/v1/products/{product}/stock", {"stock": 5})
    assert len(bank.vouchers(bank.fang, "issued")) == 1
