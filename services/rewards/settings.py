"""What only rewards needs to know. Policy that people may change is data, not a setting."""

from shared.core.settings import Settings


class RewardsSettings(Settings):
    """Settings of rewards, from the environment (`WISHTREE_`)."""
