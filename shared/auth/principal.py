"""Who is asking."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What somebody may be. A coordinator's role is scoped to an organisation and holds for its
    subtree.
    """

    VOLUNTEER = "volunteer"
    COORDINATOR = "coordinator"
    STAFF = "staff"
    AUDITOR = "auditor"
    VENUE = "venue"
    RESIDENT = "resident"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of this request."""

    role: Role
    subject: UUID | str  #: a person's id, a venue's id, or a client's name
    organisation_id: UUID | None = None  #: where a coordinator coordinates
    scopes: frozenset[str] = frozenset()  #: what a system was granted
    issued_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def is_staff(self) -> bool:
        return self.role is Role.STAFF

    def has(self, scope: str) -> bool:
        return scope in self.scopes

    def is_person(self, person_id: UUID) -> bool:
        return self.subject == person_id and self.role in (Role.VOLUNTEER, Role.COORDINATOR)

    @property
    def key(self) -> str:
        """Names the caller in idempotency keys and logs."""
        return f"{self.role}:{self.subject}"
