"""What only wishes needs to know. Policy that people may change is data, not a setting."""

from functools import cache

from pydantic import Field

from shared.core.settings import Settings


class WishesSettings(Settings):
    """Settings of wishes, from the environment (`WISHTREE_`)."""

    claim_lease_days: int = Field(default=14, ge=1, le=365)
    """How long a claimer has to grant a wish."""
    contact_kept_days: int = Field(default=90, ge=0, le=3650)
    """How long after a wish has ended its contact data is kept."""


@cache
def own_settings() -> WishesSettings:
    """Return the settings of wishes.

    The current database has only those of all services: workers and compact mode run more than one.
    """
    return WishesSettings.read()
