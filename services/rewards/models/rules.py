"""Rules as data, never edited: a new version replaces an old one for what is credited from then on."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.rewards.models.base import Base
from shared.clock import app_now
from shared.ids import new_id


class RuleKind(StrEnum):
    """What a rule decides."""

    EARN = "earn"  #: minutes -> points, for one category or (category missing) for every other
    ISSUE = "issue"  #: a voucher of a product whenever points reach its price


class Rule(Base):
    __tablename__ = "rules"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[RuleKind]
    scope: Mapped[str]
    """Category or product id, empty for the general earn rule: versions count within (kind, scope)."""
    version: Mapped[int]
    minutes: Mapped[int | None]
    points: Mapped[int | None]
    category: Mapped[str | None]
    product_id: Mapped[UUID | None]
    effective_from: Mapped[datetime | None]
    """Earn rules: for work from that day (at the site) on; missing: whenever the work was done."""
    swept: Mapped[bool]
    """Issue rules: whether accounts that had the points already were looked at; `issue_reached` does it once."""
    swept_to: Mapped[UUID | None]
    """How far, by volunteer id."""
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())

    __table_args__ = (
        UniqueConstraint("kind", "scope", "version"),
        CheckConstraint("kind <> 'earn' OR (minutes > 0 AND points >= 0)", "earn_has_rate"),
        CheckConstraint("kind <> 'issue' OR product_id IS NOT NULL", "issue_has_product"),
    )
