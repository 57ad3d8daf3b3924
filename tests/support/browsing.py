"""A centre with all services behind one gateway, and browsers without a screen."""

import re
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from werkzeug.test import Client, TestResponse

from devkit.testkit import District
from gateway.app import Gateway, caller_of
from gateway.shell import make_pages
from services.registration import log_in
from services.registration.staff import create_staff
from shared.core import clock

CANARIES = ("陈桂芳奶奶", "13712345678")
"""Name and phone of the beneficiary: no page may show them."""
PASSWORD = "a long staff password"


def gateway_of(district: District, **changes: Any) -> Gateway:
    services: dict[str, Any] = {name: member.app for name, member in district.services.items()}
    return Gateway(
        services, make_pages(district.settings.model_copy(update=changes), caller_of(services))
    )


class Browser:
    """Follow no redirect, keep cookies, and send the form token of the page it got last."""

    def __init__(self, gateway: Gateway, language: str = "zh-CN") -> None:
        self.client, self.headers = Client(gateway), {"Accept-Language": language}
        self.last = ""

    def get(self, path: str, **headers: str) -> TestResponse:
        return self._remember(self.client.get(path, headers=self.headers | headers))

    def post(
        self,
        path: str,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        **form: str,
    ) -> TestResponse:
        if token is None:
            token = self.form_token()
        form["form_token"] = token
        return self._remember(
            self.client.post(path, data=form, headers=self.headers | (headers or {}))
        )

    def form_token(self) -> str:
        found = re.search(r'name="form_token" value="([^"]+)"', self.last)
        return found.group(1) if found else ""

    def _remember(self, answer: TestResponse) -> TestResponse:
        text = answer.get_data(as_text=True)
        if answer.status_code != 302:
            self.last = text
        return answer


@dataclass
class Centre:
    district: District
    gateway: Gateway = field(init=False)

    def __post_init__(self) -> None:
        self.gateway = gateway_of(self.district)
        self.staff = self.district.token("staff")
        above = None
        for name, kind in (
            ("联合会", "federation"),
            ("花园街道分会", "branch"),
            ("花园社区志愿服务站", "station"),
        ):
            body = {"name": name, "kind": kind, "parent_id": above}
            above = self.ok("registration", "POST", "/v1/organisations", body, self.staff)["id"]
        self.station = UUID(above)
        self.district.deliver_all()

    def ok(
        self, service: str, method: str, path: str, body: Any = None, as_: str | None = None
    ) -> Any:
        answer = self.district.services[service].call(method, path, body, as_=as_)
        assert answer.status_code < 300, answer.get_data(as_text=True)
        return answer.get_json(silent=True)

    def browser(self, language: str = "zh-CN") -> Browser:
        return Browser(self.gateway, language)

    def volunteer(self, phone: str = "13800000011") -> str:
        body = {"name": "沈芳", "phone": phone, "birth_date": "1990-05-01"}
        found: str = self.ok("registration", "POST", "/v1/volunteers", body)["id"]
        self.ok("registration", "PUT", f"/v1/volunteers/{found}/activation", as_=self.staff)
        self.district.deliver_all()
        return found

    def code_sent_to(self, phone: str) -> str:
        with self.district.registration.session() as session:
            texts = [m.text for m in log_in.waiting_messages(session) if m.to.endswith(phone)]
        found = re.search(r"\d{6}", texts[0])
        assert found
        return found.group()

    def as_volunteer(self, phone: str = "13800000011") -> Browser:
        browser = self.browser()
        browser.get("/login")
        assert browser.post("/login/code", phone=phone).status_code == 200
        assert browser.post("/login", phone=phone, code=self.code_sent_to(phone)).status_code == 302
        return browser

    def as_staff(self) -> Browser:
        with self.district.registration.session() as session:
            create_staff(session, "lijing", PASSWORD)
        browser = self.browser()
        browser.get("/login")
        assert (
            browser.post("/login", login="lijing", password=PASSWORD).headers["Location"] == "/desk"
        )
        return browser

    def wish(self, title: str = "一条保暖的毛毯", until: str = "published") -> str:
        body = {
            "title": title,
            "description": "冬天冷, 想要一条厚毛毯。",
            "category": "goods",
            "station_id": str(self.station),
            "beneficiary": {
                "name": CANARIES[0],
                "phone": CANARIES[1],
                "age_band": "70-79",
                "consent": True,
            },
        }
        found: str = self.ok("wishes", "POST", "/v1/wishes", body)["id"]
        for state, move in (("verified", "verification"), ("published", "publication")):
            if until == "submitted":
                break
            self.ok(
                "wishes",
                "PUT",
                f"/v1/wishes/{found}/{move}",
                {} if move == "verification" else None,
                self.staff,
            )
            if until == state:
                break
        return found

    def activity(self) -> tuple[str, str]:
        body = {
            "organisation_id": str(self.station),
            "title": "周六社区清洁",
            "kind": "service",
            "category": "environment",
            "risk_statement": "有手套。",
        }
        activity: str = self.ok("registration", "POST", "/v1/activities", body, self.staff)["id"]
        next_year = clock.now().year + 1
        times = {
            "starts_at": f"{next_year}-01-01T09:00:00+08:00",
            "ends_at": f"{next_year}-01-01T11:00:00+08:00",
            "capacity": 1,
            "place": "花园社区广场",
        }
        session: str = self.ok(
            "registration", "POST", f"/v1/activities/{activity}/sessions", times, self.staff
        )["id"]
        self.ok("registration", "PUT", f"/v1/activities/{activity}/publication", as_=self.staff)
        return activity, session
