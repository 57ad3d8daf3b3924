"""Who may use a route: `@allow` on each. No app starts with a route that lacks it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from flask import current_app, g

from shared.auth.principal import Principal, Role
from shared.core.problems import Forbidden, NotFound, Unauthorized
from shared.core.settings import Settings

ACCESS = "__access__"


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use a route."""

    roles: frozenset[Role]
    scope: str | None
    public: bool

    def needed(self) -> list[str]:
        """What a caller needs one of, as the API names it."""
        scopes = [f"system:{self.scope}"] if self.scope else []
        return [*sorted(self.roles), *scopes]


View = TypeVar("View", bound=Callable[..., Any])


def allow(*roles: Role, scope: str | None = None, public: bool = False) -> Callable[[View], View]:
    """State who may use a route: these roles, a system with this scope, or (`public`) anybody.

    Staff must be named like any other role. A public view may show more to a caller with a token.
    """

    def mark(view: View) -> View:
        setattr(view, ACCESS, Access(frozenset(roles), scope, public))
        return view

    return mark


def access_of(view: Callable[..., Any]) -> Access:
    """Who may use a view. Every view of an app is marked."""
    access: Access = getattr(view, ACCESS)
    return access


def authorize(access: Access, principal: Principal | None) -> None:
    """Let a caller use a route, or raise Unauthorized (nobody) or Forbidden (the wrong role)."""
    if access.public:
        return
    if principal is None:
        raise Unauthorized("Send `Authorization: Bearer <token>`.")
    if principal.role in access.roles:
        return
    if principal.role is Role.SYSTEM and access.scope is not None and principal.has(access.scope):
        return
    raise Forbidden(f"This needs one of: {', '.join(access.needed())}.")


def caller() -> Principal:
    """The caller of the current request; only for routes that are not public."""
    principal: Principal | None = g.get("principal")
    if principal is None:
        raise Unauthorized("Send `Authorization: Bearer <token>`.")
    return principal


def caller_if_any() -> Principal | None:
    """The caller of the current request, or None on a public route."""
    principal: Principal | None = g.get("principal")
    return principal


def only_self_or_staff(person_id: UUID) -> None:
    """Raise NotFound unless the caller is this person, staff or an auditor."""
    principal = caller()
    if principal.role in (Role.STAFF, Role.AUDITOR) or principal.subject == person_id:
        return
    raise NotFound(f"No {person_id}.")


def settings() -> Settings:
    """The settings of the app that serves this request."""
    found: Settings = current_app.extensions["settings"]
    return found
