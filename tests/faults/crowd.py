"""The clients of the fault suite: a bounded crowd that sends work and remembers every 2xx.

Records of hours are the main job. Beside it a station publishes wishes that volunteers claim, and a
till redeems vouchers. A request that was not acknowledged is sent again, with the same reference.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import requests

from devkit.testkit import District
from shared.core.ids import new_id
from tests.faults.stage import Stage

PEOPLE = 40
PRICE = 120
MINUTES = 60
SENDERS = 6
PAUSE_SECONDS = 0.15  #: between two records of a sender: about 35 a second in all
PATIENCE = 5  #: seconds for one request
DONE, ALREADY, NOT_NOW = (200, 201, 204), 409, 503


class Crowd:
    """Set up before the faults. `begin` starts the load; `end` ends it and waits for answers."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        district = District(stage.settings)
        try:
            self._set_up(district)
        finally:
            district.close()
        self.acknowledged: dict[str, str] = {}  #: reference of a record -> its id
        self.hours: Counter[str] = Counter()  #: acknowledged records, by volunteer
        self.claims: dict[str, str] = {}  #: wish -> claimer
        self.redeemed: set[str] = set()  #: vouchers
        self.unexpected: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._enough = threading.Event()
        self._lock = threading.Lock()
        self._sent = 0
        self._threads = [
            threading.Thread(target=self._run, args=[work], daemon=True)
            for work in (*[self._send_hours] * SENDERS, self._claim_a_wish, self._redeem_a_voucher)
        ]
        self._abandoned = False
        self.failures: list[BaseException] = []

    def _set_up(self, district: District) -> None:
        self.staff = district.token("staff")
        self.station = str(new_id())
        self.coordinator = district.token("coordinator", organisation=UUID(self.station))
        rewards, registration = district.rewards, district.registration

        def made(member: Any, path: str, body: Any) -> Any:
            answer = member.call("POST", path, body, as_=self.staff)
            assert answer.status_code == 201, answer.get_data(as_text=True)
            return answer.get_json()

        venue = made(rewards, "/v1/venues", {"name": "星光影城", "kind": "cinema"})["id"]
        self.api_key = made(rewards, f"/v1/venues/{venue}/secrets", {"kind": "api_key"})["secret"]
        product = {
            "venue_id": venue,
            "title": "电影票",
            "points": PRICE,
            "stock": 1_000_000,
            "valid_days": 90,
        }
        product_id = made(rewards, "/v1/products", product)["id"]
        made(rewards, "/v1/rules", {"kind": "earn", "minutes": 1, "points": 1})
        made(rewards, "/v1/rules", {"kind": "issue", "product_id": product_id})
        company = {"name": "台", "kind": "company"}
        self.organisation = made(registration, "/v1/organisations", company)["id"]
        self.people = [self._volunteer(district, n) for n in range(PEOPLE)]
        self.tokens = {p: district.token("volunteer", UUID(p)) for p in self.people}
        scopes = "records:write records:verified"
        self.partner = district.token("system", "load", scopes=scopes)

    def _volunteer(self, district: District, number: int) -> str:
        body = {"name": "王强", "phone": f"139{number:08}", "birth_date": "1990-01-01"}
        created = district.registration.call("POST", "/v1/volunteers", body).get_json()
        path = f"/v1/volunteers/{created['id']}/activation"
        assert district.registration.call("PUT", path, as_=self.staff).status_code == 200
        return str(created["id"])

    def begin(self) -> None:
        for thread in self._threads:
            thread.start()

    @property
    def is_working(self) -> bool:
        """Whether every sender still sends: a fault counts only while they do."""
        return not self._enough.is_set() and all(thread.is_alive() for thread in self._threads)

    def end(self, limit: float) -> None:
        """Send nothing new, and wait until everything that was sent is acknowledged."""
        self._enough.set()
        for thread in self._threads:
            thread.join(limit)
        assert not any(t.is_alive() for t in self._threads), f"not acknowledged in {limit} s"
        if self.failures:
            raise self.failures[0]

    def abandon(self) -> None:
        """End at once, whatever was not acknowledged. Repeating it is harmless."""
        self._abandoned = True
        self._enough.set()

    def _run(self, work: Callable[[], None]) -> None:
        try:
            while not self._enough.is_set():
                work()
        except BaseException as error:
            self.failures.append(error)

    def ask(
        self, method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """Send a request until it is acknowledged; 409 means that its first try still runs."""
        while not self._abandoned:
            try:
                answer = requests.request(method, url, json=body, headers=headers, timeout=PATIENCE)
            except requests.RequestException as error:
                self.refused[type(error).__name__] += 1
            else:
                if answer.status_code in DONE:
                    return answer
                self._note(method, url, answer)
            time.sleep(0.25)
        raise AssertionError(f"{method} {url} was not acknowledged until the stage fell")

    def _note(self, method: str, url: str, answer: requests.Response) -> None:
        if answer.status_code in (ALREADY, NOT_NOW):
            self.refused[str(answer.status_code)] += 1
        else:
            path = url.partition("/v1/")[2].partition("/")[0]
            self.unexpected[f"{answer.status_code} {method} {path} {answer.text[:150]}"] += 1

    def _send_hours(self) -> None:
        with self._lock:
            number, self._sent = self._sent, self._sent + 1
        person = self.people[number % PEOPLE]
        started = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=2 * (number // PEOPLE))
        reference = f"load-{number}"
        body = {
            "volunteer_id": person,
            "organisation_id": self.organisation,
            "category": "community",
            "started_at": started.isoformat(),
            "ended_at": (started + timedelta(minutes=MINUTES)).isoformat(),
            "reference": reference,
        }
        url = f"{self.stage.url_of('registration')}/v1/service-records"
        answer = self.ask("POST", url, body, {"Authorization": f"Bearer {self.partner}"})
        with self._lock:
            self.acknowledged[reference] = answer.json()["id"]
            self.hours[person] += 1
        time.sleep(PAUSE_SECONDS)

    def _claim_a_wish(self) -> None:
        """A station publishes a wish, a volunteer claims it; about one every 2 s."""
        wishes = f"{self.stage.url_of('wishes')}/v1/wishes"
        by_station = {"Authorization": f"Bearer {self.coordinator}"}
        body = {
            "title": "一条保暖的毛毯",
            "description": "冬天冷, 想要一条厚毛毯。",
            "category": "goods",
            "station_id": self.station,
            "beneficiary": {
                "name": "陈桂芳奶奶",
                "phone": "13712345678",
                "age_band": "70-79",
                "consent": True,
            },
        }
        key = {"Idempotency-Key": str(new_id())}
        wish = self.ask("POST", wishes, body, by_station | key).json()["id"]
        self.ask("PUT", f"{wishes}/{wish}/verification", {}, by_station)
        self.ask("PUT", f"{wishes}/{wish}/publication", None, by_station)
        person = str(new_id())
        token = self._token_of(person)
        claim = {"claimer_id": person, "claimer_kind": "volunteer"}
        self.ask("PUT", f"{wishes}/{wish}/claim", claim, {"Authorization": f"Bearer {token}"})
        self.claims[wish] = person
        self._enough.wait(1.5)

    def _token_of(self, person: str) -> str:
        from shared.auth.principal import Role
        from shared.auth.tokens import sign_token
        from shared.core.settings import Settings

        return sign_token(
            Settings.read(), role=Role.VOLUNTEER, subject=UUID(person), scopes=frozenset()
        )

    def _redeem_a_voucher(self) -> None:
        """A volunteer shows a code, a till redeems it; the reference is the voucher's id."""
        rewards = f"{self.stage.url_of('rewards')}/v1/vouchers"
        person = self.people[len(self.redeemed) % PEOPLE]
        mine = {"Authorization": f"Bearer {self.tokens[person]}"}
        listed = self.ask("GET", f"{rewards}?holder_id={person}&limit=200", headers=mine).json()
        new = [v["id"] for v in listed["items"] if v["id"] not in self.redeemed]
        if new:
            code = self.ask("GET", f"{rewards}/{new[0]}/code", headers=mine).json()["code"]
            body = {"code": code, "reference": new[0]}
            answer = self.ask("POST", f"{rewards}/redeem", body, {"Api-Key": self.api_key}).json()
            if answer["outcome"] == "redeemed":
                self.redeemed.add(new[0])
            else:
                self.unexpected[f"redeem: {answer['outcome']}"] += 1
        self._enough.wait(1.0)
