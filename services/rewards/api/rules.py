"""`/v1/rules`: what minutes earn and what points turn into, as versioned data."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import Field, RootModel
from sqlalchemy import select

from services.rewards.models import Period, Rule, RuleKind, RuleRun, RuleRunStatus
from services.rewards.rule_runs import backfill
from services.rewards.rule_runs.simulation import Gainer, dry_run, products_json, propose
from services.rewards.rules.kinds import AnyRule
from services.rewards.rules.versions import create_rule, end_rule, in_force
from shared.auth.access import allow, caller
from shared.auth.principal import Role
from shared.db.engine import current_database, transaction
from shared.http.idempotency import exempt_from_idempotency_keys
from shared.http.paging import Page, PageQuery, decode_cursor, encode_cursor, page_of
from shared.http.schemas import Day, Instant, RequestModel, ResponseModel

bp = APIBlueprint("rules", __name__, url_prefix="/v1")


class RuleRequest(RootModel[AnyRule]):
    """A rule. Which fields it has depends on its kind."""


class ProposalRequest(RequestModel):
    rules: Annotated[list[AnyRule], Field(min_length=1, max_length=50)]
    since: Day = Field(description="work from this day on (at the site) counts")


class EndRequest(RequestModel):
    at: Instant | None = Field(default=None, description="now if missing")


class RuleResponse(ResponseModel):
    id: UUID
    kind: RuleKind
    version: int
    minutes: int | None
    points: int | None
    category: str | None
    percent: int | None
    days: int | None
    count: int | None
    period: Period | None
    automatic: bool | None = Field(description="of an issue rule")
    product_id: UUID | None
    effective_from: datetime | None
    effective_until: datetime | None
    created_at: datetime


class RulesQuery(PageQuery):
    kind: RuleKind | None = None
    in_force: bool = Field(default=False, description="only what counts now")


class ProductGain(ResponseModel):
    product_id: UUID
    issued: int
    waiting: int = Field(description="for stock")
    donated: int = Field(description="left to the pool")


class VenueCost(ResponseModel):
    venue_id: UUID
    count: int = Field(description="vouchers issued or donated")
    points: int
    fen: int = Field(description="what the centre will owe when all are redeemed")


class SummaryResponse(ResponseModel):
    accounts: int = 0
    points: int = 0
    products: list[ProductGain] = Field(default_factory=list)
    venues: list[VenueCost] = Field(default_factory=list)


class GainerResponse(ResponseModel):
    volunteer_id: UUID
    points: int
    products: list[ProductGain]


class DryRunResponse(ResponseModel):
    summary: SummaryResponse
    items: list[GainerResponse]
    next: str | None


class RunResponse(ResponseModel):
    id: UUID
    status: RuleRunStatus
    since: date
    rule_ids: list[UUID]
    accounts_seen: int
    summary: SummaryResponse = Field(description="so far")
    created_at: datetime
    finished_at: datetime | None


@bp.post("/rules")
@bp.input(RuleRequest)
@bp.output(RuleResponse, status_code=201)
@bp.doc(summary="Add the next version of a rule")
@allow(Role.STAFF)
def post_rule(json_data: RuleRequest) -> Any:
    with transaction() as session:
        return response_of(create_rule(session, json_data.root, by=caller().key))


@bp.get("/rules")
@bp.input(RulesQuery, location="query")
@bp.output(Page[RuleResponse])
@bp.doc(summary="All versions of all rules, or those in force, newest first")
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF, Role.AUDITOR, Role.VENUE)
def get_rules(query_data: RulesQuery) -> Any:
    wanted = in_force(query_data.kind) if query_data.in_force else select(Rule)
    if query_data.kind is not None:
        wanted = wanted.where(Rule.kind == query_data.kind)
    with transaction() as session:
        items, following = page_of(session, wanted, Rule.id, query_data)
        return {"items": [response_of(rule) for rule in items], "next": following}


@bp.put("/rules/<uuid:rule_id>/end")
@bp.input(EndRequest)
@bp.output(RuleResponse)
@bp.doc(summary="End a rule: the answer is its last version, which counts until then")
@allow(Role.STAFF)
def put_end(rule_id: UUID, json_data: EndRequest) -> Any:
    with transaction() as session:
        return response_of(end_rule(session, rule_id, json_data.at, caller().key))


@bp.post("/rules/dry-run")
@bp.input(ProposalRequest)
@bp.input(PageQuery, location="query")
@bp.output(DryRunResponse)
@bp.doc(summary="Who would gain by these rules, and what each venue would cost; changes nothing")
@allow(Role.STAFF)
@exempt_from_idempotency_keys
def post_dry_run(json_data: ProposalRequest, query_data: PageQuery) -> Any:
    after = UUID(decode_cursor(query_data.after)[0]) if query_data.after else None
    with transaction() as session:
        proposed = propose(session, json_data.rules)
    with current_database().transaction() as session:
        summary, gainers = dry_run(session, proposed, json_data.since, after, query_data.limit + 1)
    page = gainers[: query_data.limit]
    return DryRunResponse(
        summary=SummaryResponse.model_validate(summary.as_json()),
        items=[_gainer_response(gainer) for gainer in page],
        next=encode_cursor(str(page[-1].volunteer_id)) if len(gainers) > len(page) else None,
    )


def _gainer_response(gainer: Gainer) -> GainerResponse:
    products = [ProductGain.model_validate(one) for one in products_json(gainer.products)]
    return GainerResponse(volunteer_id=gainer.volunteer_id, points=gainer.points, products=products)


@bp.post("/rules/application")
@bp.input(ProposalRequest)
@bp.output(RunResponse, status_code=202)
@bp.doc(summary="Add these rules, and apply them to work since that day; a job does it")
@allow(Role.STAFF)
def post_application(json_data: ProposalRequest) -> Any:
    with transaction() as session:
        run = backfill.start_run(session, json_data.rules, json_data.since, caller().key)
        return run_response(run)


@bp.get("/rules/applications/<uuid:run_id>")
@bp.output(RunResponse)
@bp.doc(summary="How far the application of rules to old records is, and what it gave")
@allow(Role.STAFF, Role.AUDITOR)
def get_application(run_id: UUID) -> Any:
    with transaction() as session:
        return run_response(backfill.get_run(session, run_id))


def run_response(run: RuleRun) -> RunResponse:
    return RunResponse(
        id=run.id,
        status=run.status or RuleRunStatus.RUNNING,
        since=run.since,
        rule_ids=[UUID(rule_id) for rule_id in run.proposal["rule_ids"]],
        accounts_seen=run.result.get("seen", 0),
        summary=SummaryResponse.model_validate(run.result),
        created_at=run.created_at,
        finished_at=run.finished_at,
    )


def response_of(rule: Rule) -> RuleResponse:
    return RuleResponse.model_validate(rule).model_copy(
        update={"automatic": rule.automatic if rule.kind is RuleKind.ISSUE else None}
    )
