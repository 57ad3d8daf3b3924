"""Wishes: submit, verify, publish, withdraw, show.

What the public sees is listed field by field in `PublicWishResponse`.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from apiflask import APIBlueprint
from flask import after_this_request
from pydantic import Field
from sqlalchemy.orm import Session

from services.wishes import board, contacts, lifecycle
from services.wishes.api.access import (
    add_etag,
    claimer_of,
    claims_for,
    runs_station,
    wish_of_own_station,
)
from services.wishes.contacts import Guardian, LookReason, Person
from services.wishes.lifecycle import NewWish, RejectReason, WishNotFound
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
    consent: Literal[True] = Field(description="The guardian agrees.")


class BeneficiaryRequest(RequestModel):
    name: Name
    phone: Phone
    age_band: AgeBandText
    consent: Literal[True] = Field(
        description="The beneficiary agrees that the wish is shown and the contact stored."
    )
    guardian: GuardianRequest | None = Field(default=None, description="Needed below 18.")


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
    reason_code: RejectReason | None = Field(default=None, description="Needed to reject.")


class MovedWishResponse(ResponseModel):
    """Where a wish stands after a move."""

    id: UUID
    status: WishStatus
    label: Label | None

    @classmethod
    def of(cls, wish: Wish) -> "MovedWishResponse":
        return MovedWishResponse(id=wish.id, status=wish.status, label=LABELS.get(wish.status))


class PublicWishResponse(ResponseModel):
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

    @classmethod
    def of(cls, wish: Wish, station_name: str | None) -> Self:
        """Name each field: a column that is added to the table does not appear by itself."""
        return cls(
            id=wish.id,
            number=wish.number,
            title=wish.title,
            description=wish.description,
            category=wish.category,
            age_band=wish.age_band,
            station_id=wish.station_id,
            station_name=station_name,
            status=wish.status,
            label=LABELS.get(wish.status),
            published_at=wish.published_at,
            need_by=wish.need_by,
        )


class WishQuery(PageQuery):
    category: Code | None = None
    label: Label | None = None
    status: WishStatus | None = Field(
        default=None, description="Only staff and the station may list states before publication."
    )
    station_id: UUID | None = None


class GuardianResponse(ResponseModel):
    name: str
    phone: str


class ContactResponse(ResponseModel):
    """What the delivery needs. For a minor the claimer sees the guardian, not the child's name."""

    name: str | None
    phone: str
    guardian: GuardianResponse | None


def render(session: Session, wishes: Sequence[Wish]) -> list[PublicWishResponse]:
    names = board.station_names(session, [wish.station_id for wish in wishes])
    return [PublicWishResponse.of(wish, names.get(wish.station_id)) for wish in wishes]


@bp.post("/wishes")
@bp.input(WishRequest)
@bp.output(MovedWishResponse, status_code=201)
@bp.doc(summary="Submit a wish, for oneself or on behalf of a resident")
@allow(public=True)
def post_wish(json_data: WishRequest) -> MovedWishResponse:
    principal = caller_if_any()
    actor = principal.key if principal else "anyone"
    with transaction() as session:
        wish = lifecycle.submit_wish(
            session, _person(json_data.beneficiary), _new_wish(json_data), actor
        )
        return MovedWishResponse.of(wish)


def _person(beneficiary: BeneficiaryRequest) -> Person:
    given = beneficiary.guardian
    guardian = Guardian(given.name, given.phone) if given else None
    return Person(beneficiary.name, beneficiary.phone, guardian)


def _new_wish(request: WishRequest) -> NewWish:
    return NewWish(
        title=request.title,
        description=request.description,
        category=request.category,
        age_band=contacts.age_band(request.beneficiary.age_band),
        station_id=request.station_id,
        need_by=request.need_by,
    )


@bp.get("/wishes")
@bp.input(WishQuery, location="query")
@bp.output(Page[PublicWishResponse])
@bp.doc(
    summary="List the wishes on the tree, newest first",
    description="Those to claim, claimed and granted.",
)
@allow(public=True)
def get_wishes(query_data: WishQuery) -> dict[str, object]:
    wanted = _wanted_states(query_data)
    with transaction() as session:
        if not wanted <= set(PUBLIC):
            _require_verifier(session, query_data.station_id)
        statement = board.wishes_in(
            wanted, category=query_data.category, station_id=query_data.station_id
        )
        wishes, next_ = board.page_of_wishes(session, statement, query_data)
        after_this_request(add_etag)
        return {"items": render(session, wishes), "next": next_}


def _wanted_states(query: WishQuery) -> set[WishStatus]:
    """Return the states that both label and status allow; without either the public ones."""
    labelled = set(board.states_of(query.label)) if query.label else None
    if query.status is None:
        return set(PUBLIC) if labelled is None else labelled
    return {query.status} if labelled is None else labelled & {query.status}


def _require_verifier(session: Session, station_id: UUID | None) -> None:
    """Only those who verify see wishes before publication. Raises Unauthorized, Forbidden."""
    principal = caller_if_any()
    if principal is None:
        raise Unauthorized("Only staff and stations see wishes before publication.")
    if principal.is_staff:
        return
    if station_id is None or not runs_station(session, principal, station_id):
        raise Forbidden(
            "Only staff see these wishes. A coordinator sees those of the own station: send "
            "`station_id`."
        )


@bp.get("/wishes/<uuid:wish_id>")
@bp.output(PublicWishResponse)
@bp.doc(summary="Show a wish as the public sees it")
@allow(public=True)
def get_wish(wish_id: UUID) -> PublicWishResponse:
    with transaction() as session:
        wish = lifecycle.get_wish(session, wish_id)
        is_public = wish.status in PUBLIC
        if not is_public and not runs_station(session, caller_if_any(), wish.station_id):
            raise WishNotFound(f"No wish {wish_id}.")
        after_this_request(add_etag)
        return render(session, [wish])[0]


@bp.get("/wishes/<uuid:wish_id>/contact")
@bp.output(ContactResponse)
@bp.doc(
    summary="Show the contact for the delivery of a wish",
    description="For station and staff, and for the claimer while claimed. Every look is logged.",
)
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF)
def get_contact(wish_id: UUID) -> Person:
    with transaction() as session:
        wish = lifecycle.get_wish(session, wish_id)
        return contacts.look_at_contact(session, wish, caller().key, _look_reason(session, wish))


def _look_reason(session: Session, wish: Wish) -> LookReason:
    """Return why the caller may see the contact. Raises WishNotFound where there is no reason."""
    principal = caller()
    if runs_station(session, principal, wish.station_id):
        return LookReason.STAFF if principal.is_staff else LookReason.STATION
    claimer = claimer_of(wish)
    if claimer is not None and _is_claimed_now(wish) and claims_for(principal, claimer):
        return LookReason.DELIVERY
    raise WishNotFound(f"No wish {wish.id}.")


def _is_claimed_now(wish: Wish) -> bool:
    if wish.status is not WishStatus.CLAIMED or wish.lease_until is None:
        return False
    return wish.lease_until > clock.now()


@bp.put("/wishes/<uuid:wish_id>/verification")
@bp.input(VerificationRequest)
@bp.output(MovedWishResponse)
@bp.doc(summary="Verify a wish, with edited words if need be, or reject it")
@allow(Role.COORDINATOR, Role.STAFF)
def put_verification(wish_id: UUID, json_data: VerificationRequest) -> MovedWishResponse:
    if json_data.decision == "reject" and json_data.reason_code is None:
        raise invalid("/reason_code", "Give the reason why the wish is rejected.")
    with transaction() as session:
        wish_of_own_station(session, wish_id)
        return MovedWishResponse.of(_decide(session, wish_id, json_data))


def _decide(session: Session, wish_id: UUID, request: VerificationRequest) -> Wish:
    actor = caller().key
    if request.decision == "reject" and request.reason_code is not None:
        return lifecycle.reject_wish(session, wish_id, actor, request.reason_code)
    return lifecycle.verify_wish(
        session, wish_id, actor, title=request.title, description=request.description
    )


@bp.put("/wishes/<uuid:wish_id>/publication")
@bp.output(MovedWishResponse)
@bp.doc(summary="Put a verified wish on the public tree")
@allow(Role.COORDINATOR, Role.STAFF)
def put_publication(wish_id: UUID) -> MovedWishResponse:
    with transaction() as session:
        wish_of_own_station(session, wish_id)
        return MovedWishResponse.of(lifecycle.publish_wish(session, wish_id, caller().key))


@bp.put("/wishes/<uuid:wish_id>/withdrawal")
@bp.output(MovedWishResponse)
@bp.doc(summary="Take a wish back")
@allow(Role.COORDINATOR, Role.STAFF)
def put_withdrawal(wish_id: UUID) -> MovedWishResponse:
    with transaction() as session:
        wish_of_own_station(session, wish_id)
        return MovedWishResponse.of(lifecycle.withdraw_wish(session, wish_id, caller().key))
