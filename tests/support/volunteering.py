"""Staff, an organisation and volunteers, over HTTP."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from werkzeug.test import TestResponse

from devkit.testkit import District
from shared.core.ids import new_id


@dataclass
class World:
    """Registration with a station and two staff. Helpers go through HTTP and assert success."""

    district: District
    staff: str = ""
    second_staff: str = ""
    station: UUID = field(default_factory=new_id)
    branch: UUID = field(default_factory=new_id)
    federation: UUID = field(default_factory=new_id)
    phones: int = 0

    def call(
        self, method: str, path: str, body: Any = None, *, as_: str | None = None, **more: Any
    ) -> TestResponse:
        """Make one request, whatever comes of it."""
        return self.district.registration.call(method, path, body, as_=as_, **more)

    def ok(self, method: str, path: str, body: Any = None, *, as_: str | None = None) -> Any:
        """Make one request that works, and return its JSON."""
        response = self.call(method, path, body, as_=as_)
        assert response.status_code < 300, response.get_data(as_text=True)
        return response.json if response.data else None

    def status(
        self, method: str, path: str, body: Any = None, *, as_: str | None = None, **more: Any
    ) -> int:
        """Make one request, and return only its status."""
        return self.call(method, path, body, as_=as_, **more).status_code

    def events(self, type_: str | None = None) -> list[dict[str, Any]]:
        """Return what registration has published, oldest first."""
        return self.district.registration.published(type_)

    def volunteer(self, name: str, *, active: bool = True, birth_date: str = "1990-05-01") -> UUID:
        self.phones += 1
        body = {"name": name, "phone": f"138001{self.phones:05d}", "birth_date": birth_date}
        found = UUID(self.ok("POST", "/v1/volunteers", body)["id"])
        if active:
            self.ok("PUT", f"/v1/volunteers/{found}/activation", as_=self.staff)
        return found

    def token(self, volunteer_id: UUID) -> str:
        return self.district.token("volunteer", volunteer_id)

    def coordinator(self, organisation_id: UUID | None = None, person: UUID | None = None) -> str:
        return self.district.token("coordinator", person, organisation_id or self.station)

    def system(self, scopes: str = "records:write records:verified", name: str = "school") -> str:
        return self.district.token("system", name, scopes=scopes)

    def activity(self, *, published: bool = True, **more: Any) -> UUID:
        body = {
            "organisation_id": str(self.station),
            "title": "社区清洁",
            "kind": "service",
            "category": "environment",
            "risk_statement": "Gloves are worn.",
        }
        found = UUID(self.ok("POST", "/v1/activities", body | more, as_=self.staff)["id"])
        if published:
            self.ok("PUT", f"/v1/activities/{found}/publication", as_=self.staff)
        return found

    def session(
        self,
        activity_id: UUID | None = None,
        *,
        starts_in: timedelta = timedelta(days=1),
        hours: float = 2,
        capacity: int = 5,
    ) -> UUID:
        starts_at = datetime.now(UTC) + starts_in
        body = {
            "starts_at": starts_at.isoformat(),
            "ends_at": (starts_at + timedelta(hours=hours)).isoformat(),
            "capacity": capacity,
            "place": "花园社区",
        }
        path = f"/v1/activities/{activity_id or self.activity()}/sessions"
        return UUID(self.ok("POST", path, body, as_=self.staff)["id"])

    def record(self, volunteer_id: UUID, reference: str = "r-1", **more: Any) -> dict[str, Any]:
        return {
            "volunteer_id": str(volunteer_id),
            "organisation_id": str(self.station),
            "started_at": "2026-03-01T08:00:00+08:00",
            "ended_at": "2026-03-01T10:00:00+08:00",
            "category": "environment",
            "reference": reference,
        } | more
