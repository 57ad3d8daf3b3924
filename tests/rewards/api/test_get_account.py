"""`GET /v1/accounts/{id}`: what somebody waits for, and where in the queue they stand."""

from tests.support.bank import Bank


def test_who_waits_sees_their_place_until_they_are_served(bank: Bank) -> None:
    bank.minute_is_a_point()
    product = bank.product(bank.venue(), points=60, stock=0, title="一场电影")
    bank.issue(product)
    for volunteer in (bank.fang, bank.qiang):
        bank.receive(bank.hours(volunteer, 60))
    for place, volunteer in enumerate((bank.fang, bank.qiang), 1):
        (one,) = bank.account(volunteer)["waiting"]
        assert (one["product_id"], one["title"], one["points"], one["place"]) == (
            product,
            "一场电影",
            60,
            place,
        )
    bank.by_staff("PUT", f"/v1/products/{product}/stock", {"stock": 1})
    assert bank.account(bank.fang)["waiting"] == []
    assert [one["place"] for one in bank.account(bank.qiang)["waiting"]] == [1]
