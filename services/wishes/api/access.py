"""Who may do what to which wish. What is foreign does not exist: 404."""

from uuid import UUID

from flask import request
from flask.wrappers import Response
from sqlalchemy.orm import Session

from services.wishes.claims import Claimer
from services.wishes.lifecycle import WishNotFound, find_wish
from services.wishes.models import Wish
from services.wishes.organisations import holds_for
from shared.auth.access import caller
from shared.auth.principal import Principal, Role
from shared.contracts.wishes import ClaimerKind
from shared.core.problems import NotFound


def runs_station(session: Session, principal: Principal | None, station_id: UUID) -> bool:
    """Staff, or a coordinator of the station or of a node above it."""
    if principal is None:
        return False
    if principal.role is Role.COORDINATOR:
        return holds_for(session, principal.organisation_id, station_id)
    return principal.is_staff


def wish_of_own_station(session: Session, wish_id: UUID) -> Wish:
    """A wish that the caller's station vouches for. Its station never changes. Raises WishNotFound
    for all others.
    """
    wish = find_wish(session, wish_id)
    if not runs_station(session, caller(), wish.station_id):
        raise WishNotFound(f"No wish {wish_id}.")
    return wish


def claims_for(principal: Principal, claimer: Claimer) -> bool:
    """A volunteer claims for themselves, a coordinator also for their own organisation."""
    if claimer.kind is ClaimerKind.VOLUNTEER:
        return principal.is_person(claimer.id)
    return principal.role is Role.COORDINATOR and principal.organisation_id == claimer.id


def may_claim_for(claimer: Claimer) -> Claimer:
    """Staff claim for anybody, such as somebody at the desk without a phone; the pool claims by
    itself.

    Raises NotFound for a foreign claimer.
    """
    if claimer.kind is ClaimerKind.POOL or not (caller().is_staff or claims_for(caller(), claimer)):
        raise NotFound(f"No claimer {claimer.id}.")
    return claimer


def own_claimer(wish: Wish) -> Claimer | None:
    """As whom the caller acts on a claimed wish: None for staff, who act for whoever holds it."""
    principal = caller()
    if principal.is_staff:
        return None
    if wish.claimer_id is not None and wish.claimer_kind is not None:
        holder = Claimer(wish.claimer_id, wish.claimer_kind)
        if claims_for(principal, holder):
            return holder
    return Claimer(UUID(str(principal.subject)), ClaimerKind.VOLUNTEER)


def acts_for() -> list[UUID]:
    """Every id whose work the caller must not confirm: their own and their organisation's."""
    principal = caller()
    ids = [principal.organisation_id, principal.subject]
    return [i for i in ids if isinstance(i, UUID)]


def answer_unchanged(response: Response) -> Response:
    """Give a public answer an ETag; 304 when the client already has it."""
    if response.status_code == 200:
        response.add_etag()
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Vary"] = "Authorization, Accept-Language"
        response.make_conditional(request)
    return response
