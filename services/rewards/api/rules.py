"""`/v1/rules`: what minutes earn and what points turn into, as versioned data."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import BaseModel, Field, model_validator
from sqlalchemy import select

from services.rewards.models import Rule, RuleKind
from services.rewards.rules import create_rule
from shared.auth import Role, allow, caller
from shared.db import transaction
from shared.fields import Body, Code, Count, Instant, Quantity, Shown
from shared.paging import PageQuery, page_of

bp = APIBlueprint("rules", __name__, url_prefix="/v1")


class RuleBody(Body):
    """An earn rule needs minutes and points, an issue rule a product."""

    kind: RuleKind
    minutes: Count | None = None
    points: Annotated[Quantity, Field(le=1_000_000)] | None = None
    category: Code | None = None
    product_id: UUID | None = None
    effective_from: Instant | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "RuleBody":
        earn = (self.minutes, self.points)
        if self.kind is RuleKind.EARN and (None in earn or self.product_id is not None):
            raise ValueError("an earn rule has minutes and points, and no product_id")
        if self.kind is RuleKind.ISSUE and (self.product_id is None or (*earn, self.category) != (None, None, None)):
            raise ValueError("an issue rule has a product_id, and no minutes, points or category")
        return self


class RuleShown(Shown):
    id: UUID
    kind: RuleKind
    version: int
    minutes: int | None
    points: int | None
    category: str | None
    product_id: UUID | None
    effective_from: datetime | None
    created_at: datetime


class RulesShown(BaseModel):
    items: list[RuleShown]
    next: str | None


@bp.post("/rules")
@bp.input(RuleBody)
@bp.output(RuleShown, status_code=201)
@bp.doc(summary="Add the next version of a rule")
@allow(Role.STAFF)
def post_rule(json_data: RuleBody) -> Any:
    with transaction() as session:
        return create_rule(session, **json_data.model_dump(), by=caller().key)


@bp.get("/rules")
@bp.input(PageQuery, location="query")
@bp.output(RulesShown)
@bp.doc(summary="All versions of all rules, newest first")
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF, Role.AUDITOR, Role.VENUE)
def get_rules(query_data: PageQuery) -> Any:
    with transaction() as session:
        items, following = page_of(session, select(Rule), Rule.id, query_data)
        return {"items": items, "next": following}
