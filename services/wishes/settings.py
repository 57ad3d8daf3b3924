"""What only wishes needs to know. Policy that people may change is data, not a setting."""

from shared.settings import Settings


class WishesSettings(Settings):
    """Settings of wishes, from the environment (`WISHTREE_`)."""
