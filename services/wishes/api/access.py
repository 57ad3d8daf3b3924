"""Who may do what to which wish. A wish of others looks like an unknown one: 404."""

from uuid import UUID

from flask import request
from flask.wrappers import Response
from sqlalchemy.orm import Session

from services.wishes.claimers import Claimer
from services.wishes.lifecycle import WishNotFound, get_wish
from services.wishes.models import Wish
from services.wishes.organisations import holds_for
from shared.auth.access import caller
from shared.auth.principal import Principal, Role
from shared.contracts.wishes import ClaimerKind
from shared.core.problems import NotFound


def runs_station(session: Session, principal: Principal | None, station_id: UUID) -> bool:
    """Tell whether this is staff, or a coordinator of the station or of one above it."""
    if principal is None:
        return False
    if principal.role is Role.COORDINATOR:
        return holds_for(session, principal.organisation_id, station_id)
    return principal.is_staff


def wish_of_own_station(session: Session, wish_id: UUID) -> Wish:
    """Return a wish of a station that the caller runs. Raises WishNotFound for all others."""
    wish = get_wish(session, wish_id)
    if not runs_station(session, caller(), wish.station_id):
        raise WishNotFound(f"No wish {wish_id}.")
    return wish


def claims_for(principal: Principal, claimer: Claimer) -> bool:
    """Tell whether somebody claims for this claimer: for themselves, or as its coordinator."""
    if claimer.kind is ClaimerKind.VOLUNTEER:
        return principal.is_person(claimer.id)
    return principal.role is Role.COORDINATOR and principal.organisation_id == claimer.id


def may_claim_for(claimer: Claimer) -> Claimer:
    """Return the claimer where the caller may claim for it. Raises NotFound.

    Staff claim for anybody, such as somebody at the desk without a phone. Nobody claims for the
    pool.
    """
    if claimer.kind is ClaimerKind.POOL or not (caller().is_staff or claims_for(caller(), claimer)):
        raise NotFound(f"No claimer {claimer.id}.")
    return claimer


def own_claimer(wish: Wish) -> Claimer | None:
    """Return as whom the caller acts on a claimed wish; None for staff, who act for its claimer."""
    principal = caller()
    if principal.is_staff:
        return None
    claimer = claimer_of(wish)
    if claimer is not None and claims_for(principal, claimer):
        return claimer
    return Claimer(UUID(str(principal.subject)), ClaimerKind.VOLUNTEER)


def claimer_of(wish: Wish) -> Claimer | None:
    """Return whose a wish is, if anybody's."""
    if wish.claimer_id is None or wish.claimer_kind is None:
        return None
    return Claimer(wish.claimer_id, wish.claimer_kind)


def acts_for() -> list[UUID]:
    """Return whose work the caller must not confirm: their own and their organisation's."""
    principal = caller()
    ids = [principal.organisation_id, principal.subject]
    return [id_ for id_ in ids if isinstance(id_, UUID)]


def add_etag(response: Response) -> Response:
    """Give a public response an ETag; the status is 304 when the client already has it."""
    if response.status_code == 200:
        response.add_etag()
        # Kept by caches, but asked about each time: a claim shows at once.
        response.headers["Cache-Control"] = "no-cache"
        # Staff and stations see more than the public does, under the same address.
        response.headers["Vary"] = "Authorization, Accept-Language"
        response.make_conditional(request)
    return response
