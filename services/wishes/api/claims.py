"""Claims of wishes: claim, release, fulfil, confirm."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import Field, StrictInt

from services.wishes import claims
from services.wishes.api.access import acts_for, may_claim_for, own_claimer, wish_of_own_station
from services.wishes.api.wishes import MovedWishResponse
from services.wishes.claimers import Claimer
from services.wishes.claims import Outcome
from services.wishes.lifecycle import get_wish
from services.wishes.models import LABELS, Label, Wish, WishStatus
from shared.auth.access import allow, caller
from shared.auth.principal import Role
from shared.contracts.wishes import ClaimerKind
from shared.core.problems import Problem, invalid
from shared.db.engine import transaction
from shared.http.schemas import Code, RequestModel, ResponseModel, Words

bp = APIBlueprint("claims", __name__, url_prefix="/v1", tag="claims")


class ClaimRequest(RequestModel):
    claimer_id: UUID
    claimer_kind: ClaimerKind


class ClaimBatchRequest(RequestModel):
    claimer_id: UUID
    claimer_kind: ClaimerKind = ClaimerKind.ORGANISATION
    wish_ids: list[UUID] = Field(min_length=1, max_length=50)


class FulfilmentRequest(RequestModel):
    note: Words
    fence: Annotated[StrictInt, Field(ge=0, le=2**53)] = Field(
        description="The fence of the claim that is fulfilled."
    )
    minutes: Annotated[StrictInt, Field(ge=0, le=24 * 60)] = Field(
        default=0, description="Minutes of service that the claimer proposes."
    )


class ReleaseQuery(RequestModel):
    reason: Code | None = Field(
        default=None, description="Why staff takes the claim away; needed from staff."
    )


class ClaimResponse(MovedWishResponse):
    """A claim, as its claimer sees it."""

    claimer_id: UUID
    claimer_kind: ClaimerKind
    fence: int
    lease_until: datetime | None

    @classmethod
    def of(cls, wish: Wish) -> Self:
        assert wish.claimer_id is not None
        assert wish.claimer_kind is not None
        return cls(
            id=wish.id,
            status=wish.status,
            label=LABELS.get(wish.status),
            claimer_id=wish.claimer_id,
            claimer_kind=wish.claimer_kind,
            fence=wish.fence,
            lease_until=wish.lease_until,
        )


class OutcomeResponse(ResponseModel):
    """One wish of a batch: `claimed`, or the slug of the problem."""

    wish_id: UUID
    outcome: str
    status: WishStatus | None = None
    label: Label | None = None
    fence: int | None = None
    lease_until: datetime | None = None

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        wish = outcome.wish
        if wish is None:
            problem = type(outcome.problem or Problem())
            slug = problem.slug().rpartition("/")[2]
            return cls(wish_id=outcome.wish_id, outcome=slug)
        return cls(
            wish_id=wish.id,
            outcome="claimed",
            status=wish.status,
            label=LABELS.get(wish.status),
            fence=wish.fence,
            lease_until=wish.lease_until,
        )


class OutcomesResponse(ResponseModel):
    items: list[OutcomeResponse]


@bp.put("/wishes/<uuid:wish_id>/claim")
@bp.input(ClaimRequest)
@bp.output(ClaimResponse)
@bp.doc(
    summary="Claim a wish until a deadline",
    description="Repeating one's own claim changes nothing.",
)
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF)
def put_claim(wish_id: UUID, json_data: ClaimRequest) -> ClaimResponse:
    claimer = may_claim_for(Claimer(json_data.claimer_id, json_data.claimer_kind))
    with transaction() as session:
        return ClaimResponse.of(claims.claim_wish(session, wish_id, claimer, caller().key))


@bp.delete("/wishes/<uuid:wish_id>/claim")
@bp.input(ReleaseQuery, location="query")
@bp.output(MovedWishResponse)
@bp.doc(
    summary="Release a claim",
    description="Claimers release their own claims. Staff release any, and give a reason.",
)
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF)
def delete_claim(wish_id: UUID, query_data: ReleaseQuery) -> MovedWishResponse:
    with transaction() as session:
        claimer = own_claimer(get_wish(session, wish_id))
        if claimer is None and query_data.reason is None:
            raise invalid("/reason", "Give the reason why the claim is taken away.")
        return MovedWishResponse.of(
            claims.release_claim(
                session, wish_id, caller().key, claimer=claimer, reason=query_data.reason
            )
        )


@bp.post("/claims:batch")
@bp.input(ClaimBatchRequest)
@bp.output(OutcomesResponse)
@bp.doc(
    summary="Claim up to 50 wishes at once",
    description="Each wish has its own outcome.",
)
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF)
def post_claims(json_data: ClaimBatchRequest) -> OutcomesResponse:
    claimer = may_claim_for(Claimer(json_data.claimer_id, json_data.claimer_kind))
    with transaction() as session:
        outcomes = claims.claim_wishes(session, json_data.wish_ids, claimer, caller().key)
        return OutcomesResponse(items=[OutcomeResponse.of(outcome) for outcome in outcomes])


@bp.put("/wishes/<uuid:wish_id>/fulfilment")
@bp.input(FulfilmentRequest)
@bp.output(ClaimResponse)
@bp.doc(
    summary="Mark a claimed wish as granted",
    description="Name the claim by its fence, so that an old claim completes no newer one.",
)
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF)
def put_fulfilment(wish_id: UUID, json_data: FulfilmentRequest) -> ClaimResponse:
    with transaction() as session:
        claimer = own_claimer(get_wish(session, wish_id))
        return ClaimResponse.of(
            claims.fulfil_wish(
                session,
                wish_id,
                claimer,
                caller().key,
                fence=json_data.fence,
                note=json_data.note,
                minutes=json_data.minutes,
            )
        )


@bp.put("/wishes/<uuid:wish_id>/confirmation")
@bp.output(MovedWishResponse)
@bp.doc(
    summary="Confirm that a wish was granted",
    description="The caller is not the one who granted it.",
)
@allow(Role.COORDINATOR, Role.STAFF)
def put_confirmation(wish_id: UUID) -> MovedWishResponse:
    with transaction() as session:
        wish_of_own_station(session, wish_id)
        return MovedWishResponse.of(
            claims.confirm_wish(session, wish_id, caller().key, not_by=acts_for())
        )


@bp.delete("/wishes/<uuid:wish_id>/confirmation")
@bp.output(MovedWishResponse)
@bp.doc(
    summary="Refuse a fulfilment",
    description="The claim goes on with a new deadline.",
)
@allow(Role.COORDINATOR, Role.STAFF)
def delete_confirmation(wish_id: UUID) -> MovedWishResponse:
    with transaction() as session:
        wish_of_own_station(session, wish_id)
        return MovedWishResponse.of(
            claims.refuse_fulfilment(session, wish_id, caller().key, not_by=acts_for())
        )
