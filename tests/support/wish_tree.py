"""A station with its people, and what they do with wishes."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text

from devkit.testkit import District, Member
from shared.core.ids import new_id

CANARIES = ("陈桂芳奶奶", "13712345678", "陈小明监护", "13787654321")
"""Name and phone of the beneficiary and of a guardian: none may ever be seen in public."""


@dataclass
class Tree:
    """The wish tree of one station. Helpers go through HTTP and assert the expected status."""

    district: District
    station: UUID = field(default_factory=new_id)
    company: UUID = field(default_factory=new_id)
    shen_fang: UUID = field(default_factory=new_id)
    wang_qiang: UUID = field(default_factory=new_id)

    @property
    def wishes(self) -> Member:
        return self.district.wishes

    def __post_init__(self) -> None:
        token = self.district.token
        self.staff = token("staff")
        self.coordinator = token("coordinator", organisation=self.station)
        self.foreign_coordinator = token("coordinator", organisation=new_id())
        self.company_coordinator = token("coordinator", organisation=self.company)
        self.tokens = {
            person: token("volunteer", person) for person in (self.shen_fang, self.wang_qiang)
        }

    def body(self, **changes: Any) -> dict[str, Any]:
        beneficiary = {
            "name": CANARIES[0],
            "phone": CANARIES[1],
            "age_band": "70-79",
            "consent": True,
        }
        beneficiary |= changes.pop("beneficiary", {})
        return {
            "title": "一条保暖的毛毯",
            "description": "冬天冷, 想要一条厚毛毯。",
            "category": "goods",
            "station_id": str(self.station),
            "beneficiary": beneficiary,
            **changes,
        }

    def call(
        self, method: str, path: str, body: Any = None, as_: str | None = None, expect: int = 200
    ) -> Any:
        response = self.wishes.call(method, path, body, as_=as_)
        assert response.status_code == expect, response.get_data(as_text=True)
        return response.get_json()

    def submitted(self, **changes: Any) -> UUID:
        return UUID(self.call("POST", "/v1/wishes", self.body(**changes), expect=201)["id"])

    def published(self, **changes: Any) -> UUID:
        wish_id = self.submitted(**changes)
        self.call("PUT", f"/v1/wishes/{wish_id}/verification", {}, self.coordinator)
        self.call("PUT", f"/v1/wishes/{wish_id}/publication", as_=self.coordinator)
        return wish_id

    def claim(self, wish_id: UUID, who: UUID, expect: int = 200) -> Any:
        body = {"claimer_id": str(who), "claimer_kind": "volunteer"}
        return self.call("PUT", f"/v1/wishes/{wish_id}/claim", body, self.tokens[who], expect)

    def fulfil(self, wish_id: UUID, who: UUID, fence: int, expect: int = 200) -> Any:
        body = {"note": "毛毯已送到", "fence": fence}
        return self.call("PUT", f"/v1/wishes/{wish_id}/fulfilment", body, self.tokens[who], expect)

    def events(self, type_: str | None = None) -> list[dict[str, Any]]:
        """Return what wishes has published, oldest first."""
        return self.wishes.published(type_)

    def lapse(self, wish_id: UUID) -> None:
        """Let the lease of a claimed wish end an hour ago."""
        with self.wishes.session() as session:
            session.execute(
                text("UPDATE wishes SET lease_until = now() - interval '1 hour' WHERE id = :id"),
                {"id": wish_id},
            )

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        with self.wishes.session() as session:
            return [tuple(row) for row in session.execute(text(sql), parameters)]

    def wish(self, wish_id: UUID) -> tuple[Any, ...]:
        """Return status, claimer_id and fence."""
        return self.rows("SELECT status, claimer_id, fence FROM wishes WHERE id = :id", id=wish_id)[
            0
        ]

    def held_by(self, claimer: UUID) -> int:
        """Return how many wishes a claimer has, after checking that counter and wishes agree."""
        counter = self.rows("SELECT active FROM claimer_loads WHERE claimer_id = :id", id=claimer)
        counted = self.rows(
            "SELECT count(*) FROM wishes"
            " WHERE claimer_id = :id AND status IN ('claimed', 'fulfilled')",
            id=claimer,
        )[0][0]
        assert (counter[0][0] if counter else 0) == counted
        return int(counted)
