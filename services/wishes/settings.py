"""What only wishes needs to know. Policy that people may change is data, not a setting."""

from functools import cache

from pydantic import Field

from shared.core.settings import Settings


class WishesSettings(Settings):
    """Settings of wishes, from the environment (`WISHTREE_`)."""

    claim_lease_days: int = Field(
        default=14, ge=1, le=365
    )  #: how long a claimer has to grant a wish
    contact_kept_days: int = Field(
        default=90, ge=0, le=3650
    )  #: after a wish has ended, before its contact is erased


@cache
def own_settings() -> WishesSettings:
    """The settings of wishes, also where the process was started with those of all services
    (compact mode).
    """
    return WishesSettings.read()
