"""A small bank for tests of pages: a cinema, a film for 60 points, and hours that earn points."""

import re
from typing import Any

from tests.support.browsing import Browser, Centre


class Cinema:
    """Star cinema gives a film for 60 verified minutes."""

    def __init__(self, centre: Centre, *, automatic: bool = True, stock: int = 5) -> None:
        self.centre = centre
        self.venue = self.ok("/v1/venues", {"name": "Star cinema", "kind": "cinema"})["id"]
        self.key = self.ok(f"/v1/venues/{self.venue}/secrets", {"kind": "api_key"})["secret"]
        self.product = self.ok(
            "/v1/products",
            {
                "venue_id": self.venue,
                "title": "一场电影",
                "points": 60,
                "stock": stock,
                "valid_days": 30,
            },
        )["id"]
        self.ok("/v1/rules", {"kind": "earn", "minutes": 1, "points": 1})
        self.ok("/v1/rules", {"kind": "issue", "product_id": self.product, "automatic": automatic})

    def ok(self, path: str, body: dict[str, Any]) -> Any:
        return self.centre.ok("rewards", "POST", path, body, self.centre.staff)

    def reward(self, volunteer: str, day: int = 1, hours: int = 1) -> None:
        """Record verified hours of one day and deliver all events that follow."""
        system = self.centre.district.token(
            "system", "school", scopes="records:write records:verified"
        )
        self.centre.ok(
            "registration",
            "POST",
            "/v1/service-records",
            {
                "volunteer_id": volunteer,
                "organisation_id": str(self.centre.station),
                "category": "environment",
                "started_at": f"2026-11-{day:02}T08:00:00+08:00",
                "ended_at": f"2026-11-{day:02}T{8 + hours:02}:00:00+08:00",
                "reference": f"r-{volunteer}-{day}",
            },
            system,
        )
        self.centre.district.deliver_all()

    def redeem(self, code: str, reference: str) -> None:
        answer = self.centre.district.rewards.call(
            "POST",
            "/v1/vouchers/redeem",
            {"code": code, "reference": reference},
            headers={"Api-Key": self.key},
        )
        assert answer.get_json()["outcome"] == "redeemed"

    def account(self, volunteer: str) -> Any:
        return self.centre.ok("rewards", "GET", f"/v1/accounts/{volunteer}", as_=self.centre.staff)

    def vouchers(self, volunteer: str, status: str = "issued") -> list[Any]:
        path = f"/v1/vouchers?holder_id={volunteer}&status={status}"
        found: list[Any] = self.centre.ok("rewards", "GET", path, as_=self.centre.staff)["items"]
        return found


def code_of(browser: Browser) -> str:
    """Return the code of the newest voucher, as its holder sees it."""
    wallet = browser.get("/wallet").text
    shown = browser.post(next(iter(forms(wallet, "/code"))))
    found = re.search(r'class="code">([^<]+)<', shown.text)
    assert found
    return found.group(1)


def forms(page: str, ending: str = "") -> list[str]:
    """Return the paths to which the forms of a page post."""
    return [
        path
        for path in re.findall(r'<form method="post" action="([^"]+)"', page)
        if path.endswith(ending)
    ]
