"""The tree of organisations, and whose rights reach where."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import CTE, delete, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.registration.log_in import void_tokens
from services.registration.models import (
    Coordination,
    Organisation,
    OrganisationKind,
    Volunteer,
    VolunteerStatus,
)
from shared.auth.principal import Principal, Role
from shared.contracts.registration import OrganisationRegistered
from shared.core.ids import new_id
from shared.core.problems import Conflict, NotFound, Unprocessable
from shared.db.statements import changed
from shared.messaging.outbox import publish

PARENT_OF = {
    OrganisationKind.BRANCH: OrganisationKind.FEDERATION,
    OrganisationKind.STATION: OrganisationKind.BRANCH,
}
"""Kinds not named here attach anywhere, or nowhere."""


class OrganisationNotFound(NotFound):
    """This organisation is not known here."""


class WrongParent(Unprocessable):
    """An organisation of this kind cannot be attached there."""


class NotACoordinator(Conflict):
    """Only an active volunteer can coordinate."""


def register_organisation(
    session: Session,
    name: str,
    kind: OrganisationKind,
    parent_id: UUID | None = None,
    id_: UUID | None = None,
) -> Organisation:
    """Attach an organisation to the network, and publish it. Raises WrongParent."""
    _check_parent(session, kind, parent_id)
    organisation = Organisation(id=id_ or new_id(), name=name, kind=kind, parent_id=parent_id)
    session.add(organisation)
    session.flush()
    publish(
        session,
        OrganisationRegistered(
            organisation_id=organisation.id, name=name, kind=kind.value, parent_id=parent_id
        ),
    )
    return organisation


def _check_parent(session: Session, kind: OrganisationKind, parent_id: UUID | None) -> None:
    parent = session.get(Organisation, parent_id) if parent_id else None
    if parent_id and parent is None:
        raise WrongParent(f"No organisation {parent_id} to attach to.")
    if kind is OrganisationKind.FEDERATION and parent is not None:
        raise WrongParent("A federation is a root.")
    needed = PARENT_OF.get(kind)
    if needed and (parent is None or parent.kind is not needed):
        raise WrongParent(f"A {kind} belongs under a {needed}.")


def get_organisation(session: Session, organisation_id: UUID) -> Organisation:
    """Return an organisation. Raises OrganisationNotFound."""
    organisation = session.get(Organisation, organisation_id)
    if organisation is None:
        raise OrganisationNotFound(f"No organisation {organisation_id}.")
    return organisation


def subtree(session: Session, organisation_id: UUID, limit: int = 1000) -> Sequence[Organisation]:
    """Return the organisation and all below it, parents before children.

    Raises OrganisationNotFound.
    """
    get_organisation(session, organisation_id)
    below = (
        select(Organisation.id, literal(0).label("depth"))
        .where(Organisation.id == organisation_id)
        .cte(recursive=True)
    )
    # UNION ALL ends: a parent is set once and never changed, so there are no circles.
    below = below.union_all(
        select(Organisation.id, below.c.depth + 1).join(below, Organisation.parent_id == below.c.id)
    )
    return session.scalars(
        select(Organisation)
        .join(below, Organisation.id == below.c.id)
        .order_by(below.c.depth, Organisation.id)
        .limit(limit)
    ).all()


def may_coordinate(session: Session, principal: Principal, organisation_id: UUID) -> bool:
    """Tell whether the caller may act for an organisation.

    Staff may everywhere; a coordinator in their organisation and everything below it.
    """
    if principal.is_staff:
        return True
    if principal.role is not Role.COORDINATOR or principal.organisation_id is None:
        return False
    above = _organisation_and_above(organisation_id)
    own = select(above.c.id).where(above.c.id == principal.organisation_id)
    return session.scalar(own) is not None


def _organisation_and_above(organisation_id: UUID) -> CTE:
    above = (
        select(Organisation.id, Organisation.parent_id)
        .where(Organisation.id == organisation_id)
        .cte(recursive=True)
    )
    parents = select(Organisation.id, Organisation.parent_id)
    return above.union_all(parents.join(above, Organisation.id == above.c.parent_id))


def require_coordination(session: Session, principal: Principal, organisation_id: UUID) -> None:
    """Raises OrganisationNotFound: an organisation of others looks like an unknown one."""
    if not may_coordinate(session, principal, organisation_id):
        raise OrganisationNotFound(f"No organisation {organisation_id}.")


def grant_coordination(
    session: Session, organisation_id: UUID, volunteer_id: UUID, granted_by: str
) -> None:
    """Let an active volunteer coordinate an organisation and all below it.

    It takes effect with the next log-in or refresh. Repeating it changes nothing. Raises
    OrganisationNotFound, NotACoordinator.
    """
    get_organisation(session, organisation_id)
    volunteer = session.get(Volunteer, volunteer_id)
    if volunteer is None or volunteer.status is not VolunteerStatus.ACTIVE:
        raise NotACoordinator(f"Volunteer {volunteer_id} is not active.")
    row = insert(Coordination).values(
        organisation_id=organisation_id, volunteer_id=volunteer_id, granted_by=granted_by
    )
    session.execute(row.on_conflict_do_nothing())


def end_coordination(session: Session, organisation_id: UUID, volunteer_id: UUID) -> None:
    """End a coordinator's role and void the tokens issued so far. Repeating it changes nothing."""
    gone = session.execute(
        delete(Coordination).where(
            Coordination.organisation_id == organisation_id,
            Coordination.volunteer_id == volunteer_id,
        )
    )
    # A volunteer stays logged in: only the rights in the tokens are out of date.
    if changed(gone):
        void_tokens(session, volunteer_id, sign_out=False)
