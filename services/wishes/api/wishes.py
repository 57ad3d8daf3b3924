"""Wishes: hang, verify, publish, withdraw, see. What the public sees is listed field by field in
`PublicWish`.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from apiflask import APIBlueprint
from flask import after_this_request
from pydantic import Field
from sqlalchemy.orm import Session

from services.wishes import board, contacts, lifecycle
from services.wishes.api.access import (
    answer_unchanged,
    claims_for,
    runs_station,
    wish_of_own_station,
)
from services.wishes.claims import Claimer
from services.wishes.contacts import Guardian, Person, Why
from services.wishes.lifecycle import RejectReason, WishNotFound
from services.wishes.models import LABELS, PUBLIC, Label, Wish, WishStatus
from shared.auth.access import allow, caller, caller_if_any
from shared.auth.principal import Role
from shared.core import clock
from shared.core.problems import Forbidden, Unauthorized, invalid
from shared.db.engine import transaction
from shared.http.paging import Page, PageQuery
from shared.http.schemas import Code, Day, Name, RequestModel, ResponseModel, Title, Words

bp = APIBlueprint("wishes", __name__, url_prefix="/v1", tag="wishes")

Phone = Annotated[str, Field(pattern=r"^\+?[0-9][0-9 ()\-]{4,24}$")]
AgeBandText = Annotated[
    str, Field(pattern=r"^[0-9]{1,3}(-[0-9]{1,3}|\+)$", description="`60+`, `14-17`, `30-39`")
]


class GuardianRequest(RequestModel):
    name: Name
    phone: Phone
    consent: Literal[True] = Field(description="the guardian agrees")


class BeneficiaryRequest(RequestModel):
    name: Name
    phone: Phone
    age_band: AgeBandText
    consent: Literal[True] = Field(
        description="the beneficiary agrees that the wish is shown and the contact kept"
    )
    guardian: GuardianRequest | None = Field(default=None, description="needed below 18")


class WishRequest(RequestModel):
    title: Title
    description: Words
    category: Code
    station_id: UUID
    beneficiary: BeneficiaryRequest
    need_by: Day | None = None


class VerificationRequest(RequestModel):
    title: Title | None = None
    description: Words | None = None
    decision: Literal["verify", "reject"] = "verify"
    reason_code: RejectReason | None = Field(default=None, description="needed to reject")


class MovedWish(ResponseModel):
    """Where a wish stands after a move."""

    id: UUID
    status: WishStatus
    label: Label | None


class PublicWish(ResponseModel):
    """Everything the public may know of a wish."""

    id: UUID
    number: int
    title: str
    description: str
    category: str
    age_band: str
    station_id: UUID
    station_name: str | None
    status: WishStatus
    label: Label | None
    published_at: datetime | None
    need_by: date | None


class WishQuery(PageQuery):
    category: Code | None = None
    label: Label | None = None
    status: WishStatus | None = Field(
        default=None, description="states before publication: staff and station only"
    )
    station_id: UUID | None = None


class GuardianResponse(ResponseModel):
    name: str
    phone: str


class ContactResponse(ResponseModel):
    """What the delivery needs. For a minor a giver gets the guardian and no name of the child."""

    name: str | None
    phone: str
    guardian: GuardianResponse | None


def moved(wish: Wish) -> dict[str, Any]:
    return {"id": wish.id, "status": wish.status, "label": LABELS.get(wish.status)}


def render(session: Session, *wishes: Wish) -> list[PublicWish]:
    """Field by field: a column that is added to a table does not appear here by itself."""
    names = board.station_names(session, [wish.station_id for wish in wishes])
    return [
        PublicWish(
            id=w.id,
            number=w.number,
            title=w.title,
            description=w.description,
            category=w.category,
            age_band=w.age_band,
            station_id=w.station_id,
            station_name=names.get(w.station_id),
            status=w.status,
            label=LABELS.get(w.status),
            published_at=w.published_at,
            need_by=w.need_by,
        )
        for w in wishes
    ]


@bp.post("/wishes")
@bp.input(WishRequest)
@bp.output(MovedWish, status_code=201)
@bp.doc(summary="Hang a wish, as the resident or the station worker who speaks for them")
@allow(public=True)
def post_wish(json_data: WishRequest) -> dict[str, Any]:
    told = json_data.beneficiary
    guardian = Guardian(told.guardian.name, told.guardian.phone) if told.guardian else None
    principal = caller_if_any()
    with transaction() as session:
        wish = lifecycle.submit_wish(
            session,
            Person(told.name, told.phone, guardian),
            contacts.age_band(told.age_band),
            title=json_data.title,
            description=json_data.description,
            category=json_data.category,
            station_id=json_data.station_id,
            need_by=json_data.need_by,
            actor=principal.key if principal else "anyone",
        )
        return moved(wish)


@bp.get("/wishes")
@bp.input(WishQuery, location="query")
@bp.output(Page[PublicWish])
@bp.doc(summary="The tree: wishes to claim, claimed and granted, newest first")
@allow(public=True)
def get_wishes(query_data: WishQuery) -> dict[str, Any]:
    wanted = set(board.states_of(query_data.label) if query_data.label else PUBLIC)
    if query_data.status is not None:
        wanted = (
            {query_data.status} if not query_data.label or query_data.status in wanted else set()
        )
    with transaction() as session:
        if not wanted <= set(PUBLIC):
            _only_those_who_verify(session, query_data.station_id)
        statement = board.wishes_in(
            wanted, category=query_data.category, station_id=query_data.station_id
        )
        wishes, following = board.page_of_wishes(session, statement, query_data)
        after_this_request(answer_unchanged)
        return {"items": render(session, *wishes), "next": following}


def _only_those_who_verify(session: Session, station_id: UUID | None) -> None:
    principal = caller_if_any()
    if principal is None:
        raise Unauthorized("Only staff and stations see wishes before publication.")
    if principal.is_staff:
        return
    if station_id is None or not runs_station(session, principal, station_id):
        raise Forbidden(
            "Only staff see these wishes, and a coordinator with `station_id` those of the own station."
        )


@bp.get("/wishes/<uuid:wish_id>")
@bp.output(PublicWish)
@bp.doc(summary="One wish, as the public sees it")
@allow(public=True)
def get_wish(wish_id: UUID) -> PublicWish:
    with transaction() as session:
        wish = lifecycle.find_wish(session, wish_id)
        if wish.status not in PUBLIC and not runs_station(
            session, caller_if_any(), wish.station_id
        ):
            raise WishNotFound(f"No wish {wish_id}.")
        after_this_request(answer_unchanged)
        return render(session, wish)[0]


@bp.get("/wishes/<uuid:wish_id>/contact")
@bp.output(ContactResponse)
@bp.doc(
    summary="Whom to deliver to: station and staff, and the claimer while claimed; every look is logged"
)
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF)
def get_contact(wish_id: UUID) -> Person:
    with transaction() as session:
        wish = lifecycle.find_wish(session, wish_id)
        return contacts.look_at_contact(session, wish, caller().key, _why(session, wish))


def _why(session: Session, wish: Wish) -> Why:
    principal = caller()
    if runs_station(session, principal, wish.station_id):
        return Why.STAFF if principal.is_staff else Why.STATION
    held = (
        wish.status is WishStatus.CLAIMED
        and wish.lease_until is not None
        and wish.lease_until > clock.now()
    )
    if not held or wish.claimer_id is None or wish.claimer_kind is None:
        raise WishNotFound(f"No wish {wish.id}.")
    if claims_for(principal, Claimer(wish.claimer_id, wish.claimer_kind)):
        return Why.DELIVERY
    raise WishNotFound(f"No wish {wish.id}.")


@bp.put("/wishes/<uuid:wish_id>/verification")
@bp.input(VerificationRequest)
@bp.output(MovedWish)
@bp.doc(summary="Vouch for a wish, with edited words if need be, or reject it")
@allow(Role.COORDINATOR, Role.STAFF)
def put_verification(wish_id: UUID, json_data: VerificationRequest) -> dict[str, Any]:
    if json_data.decision == "reject" and json_data.reason_code is None:
        raise invalid("/reason_code", "Say why the wish is rejected.")
    with transaction() as session:
        wish_of_own_station(session, wish_id)
        if json_data.decision == "reject":
            assert json_data.reason_code is not None
            return moved(
                lifecycle.reject_wish(session, wish_id, caller().key, json_data.reason_code)
            )
        return moved(
            lifecycle.verify_wish(
                session,
                wish_id,
                caller().key,
                title=json_data.title,
                description=json_data.description,
            )
        )


@bp.put("/wishes/<uuid:wish_id>/publication")
@bp.output(MovedWish)
@bp.doc(summary="Hang a verified wish on the public tree")
@allow(Role.COORDINATOR, Role.STAFF)
def put_publication(wish_id: UUID) -> dict[str, Any]:
    with transaction() as session:
        wish_of_own_station(session, wish_id)
        return moved(lifecycle.publish_wish(session, wish_id, caller().key))


@bp.put("/wishes/<uuid:wish_id>/withdrawal")
@bp.output(MovedWish)
@bp.doc(summary="Take a wish back")
@allow(Role.COORDINATOR, Role.STAFF)
def put_withdrawal(wish_id: UUID) -> dict[str, Any]:
    with transaction() as session:
        wish_of_own_station(session, wish_id)
        return moved(lifecycle.withdraw_wish(session, wish_id, caller().key))
