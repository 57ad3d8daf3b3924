"""Who may use a route: `@allow` on each. A route without it stops the start-up."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from flask import current_app, g

from shared.auth.principal import Principal, Role
from shared.core.problems import Forbidden, NotFound, Unauthorized
from shared.core.settings import Settings


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use a route."""

    roles: frozenset[Role]
    scope: str | None
    public: bool


View = TypeVar("View", bound=Callable[..., Any])


def allow(*roles: Role, scope: str | None = None, public: bool = False) -> Callable[[View], View]:
    """State who may use a route: these roles, or a system with this scope, or (`public`) anybody.

    `public` still reads a token if one is sent, so that the view may show more. Staff must be named
    like any other.
    """

    def mark(view: View) -> View:
        view.__access__ = Access(frozenset(roles), scope, public)  # type: ignore[attr-defined]
        return view

    return mark


def authorize(access: Access, principal: Principal | None) -> None:
    """Raises Unauthorized without a caller, Forbidden for the wrong role."""
    if access.public:
        return
    if principal is None:
        raise Unauthorized("Send `Authorization: Bearer <token>`.")
    if principal.role in access.roles:
        return
    if principal.role is Role.SYSTEM and access.scope is not None and principal.has(access.scope):
        return
    needed = [*sorted(access.roles), *([f"system:{access.scope}"] if access.scope else [])]
    raise Forbidden(f"This needs one of: {', '.join(needed)}.")


def caller() -> Principal:
    """The caller of the current request; only for routes that are not public."""
    principal: Principal | None = g.get("principal")
    if principal is None:
        raise Unauthorized("Send `Authorization: Bearer <token>`.")
    return principal


def caller_if_any() -> Principal | None:
    principal: Principal | None = g.get("principal")
    return principal


def only_self_or_staff(person_id: UUID) -> None:
    """What belongs to one person is shown to that person, to staff and to auditors; to others it
    does not exist.
    """
    principal = caller()
    if principal.role in (Role.STAFF, Role.AUDITOR) or principal.subject == person_id:
        return
    raise NotFound(f"No {person_id}.")


def settings() -> Settings:
    """The settings of the app that serves this request."""
    found: Settings = current_app.extensions["settings"]
    return found
