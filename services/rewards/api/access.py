"""What belongs to one venue: shown to that venue by its key, to staff and auditors; to others it
does not exist.
"""

from uuid import UUID

from services.rewards.venues.keys import Scope, require_scope
from services.rewards.venues.venues import VenueNotFound
from shared.auth.access import caller
from shared.auth.principal import Role


def own_venue_id() -> UUID | None:
    """The venue that is calling, or None for staff and auditors. Raises Forbidden for a key without
    that scope.
    """
    principal = caller()
    if principal.role is not Role.VENUE:
        return None
    require_scope(principal, Scope.STATEMENTS)
    return UUID(str(principal.subject))


def only_own_venue(venue_id: UUID | None) -> None:
    """Raises VenueNotFound when a venue asks for another's."""
    if own_venue_id() not in (None, venue_id):
        raise VenueNotFound(f"No venue {venue_id}.")
