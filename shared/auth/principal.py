"""The caller of a request."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """The role of a caller. A coordinator has it for one organisation and all below it."""

    VOLUNTEER = "volunteer"
    COORDINATOR = "coordinator"
    STAFF = "staff"
    AUDITOR = "auditor"
    VENUE = "venue"
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
        """Tell whether a system was granted a scope."""
        return scope in self.scopes

    def is_person(self, person_id: UUID) -> bool:
        """Tell whether this volunteer or coordinator is that person."""
        return self.subject == person_id and self.role in (Role.VOLUNTEER, Role.COORDINATOR)

    @property
    def key(self) -> str:
        """Names the caller in idempotency keys and logs."""
        return f"{self.role}:{self.subject}"
