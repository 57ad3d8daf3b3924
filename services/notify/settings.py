"""What only notify needs to know. Policy that people may change is data, not a setting."""

from shared.core.settings import Settings


class NotifySettings(Settings):
    """Settings of notify, from the environment (`WISHTREE_`)."""
