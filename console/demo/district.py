"""Fixed ids and public names, so that the seeds of all four services name the same people."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class DemoOrganisation:
    id: UUID
    name: str
    kind: str
    parent_id: UUID | None


@dataclass(frozen=True, slots=True)
class DemoVolunteer:
    id: UUID
    name: str
    phone: str
    birth_date: str


def _id(number: int) -> UUID:
    return UUID(f"01900000-0000-7000-8000-{number:012d}")


FEDERATION_ID, BRANCH_ID, STATION_ID, COMPANY_ID = _id(1), _id(2), _id(3), _id(4)

ORGANISATIONS = (
    DemoOrganisation(FEDERATION_ID, "柯城区志愿者服务联合会", "federation", None),
    DemoOrganisation(BRANCH_ID, "花园街道志愿服务分会", "branch", FEDERATION_ID),
    DemoOrganisation(STATION_ID, "花园社区志愿服务站", "station", BRANCH_ID),
    DemoOrganisation(COMPANY_ID, "星光影业公司", "company", FEDERATION_ID),
)
"""Parents before children."""

SHEN_FANG_ID, WANG_QIANG_ID, COORDINATOR_ID = _id(11), _id(12), _id(13)

VOLUNTEERS = (
    DemoVolunteer(SHEN_FANG_ID, "沈芳", "+8613800000011", "1990-05-01"),
    DemoVolunteer(WANG_QIANG_ID, "王强", "+8613800000012", "1985-09-17"),
    DemoVolunteer(COORDINATOR_ID, "李静", "+8613800000013", "1979-02-03"),
)
"""All active; the last one coordinates the station."""

STAFF_ID, STAFF_LOGIN, STAFF_PASSWORD = _id(21), "demo-staff", "demo-staff-password"
"""A log-in that is made in embedded mode only."""

ACTIVITY_ID, SESSION_ID = _id(31), _id(32)
CINEMA_ID, POOL_ID = _id(41), _id(42)
CINEMA_NAME, POOL_NAME = "星光影院 Star cinema", "柯城游泳馆"
FILM_ID, SWIM_ID = _id(51), _id(52)
"""Products in rewards: a film at the cinema, a swim at the pool."""
CLIENT_NAME = "demo-hours"
"""A system that records hours (scope `records:write records:verified`)."""
