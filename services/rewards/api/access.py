"""Who may see what belongs to one venue: that venue by its key, staff and auditors.

For other venues it does not exist.
"""

from uuid import UUID

from services.rewards.venues.keys import Scope, require_scope
from services.rewards.venues.venues import VenueNotFound
from shared.auth.access import caller
from shared.auth.principal import Role


def own_venue_id() -> UUID | None:
    """Return the venue that is calling, or None for staff and auditors.

    Raises Forbidden for a key without the scope `statements`.
    """
    principal = caller()
    if principal.role is not Role.VENUE:
        return None
    require_scope(principal, Scope.STATEMENTS)
    return UUID(str(principal.subject))


def only_own_venue(venue_id: UUID | None) -> None:
    """Refuse a venue that asks for another venue's. Raises VenueNotFound."""
    if own_venue_id() not in (None, venue_id):
        raise VenueNotFound(f"No venue {venue_id}.")
