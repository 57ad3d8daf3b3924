"""What only registration needs to know. Policy that people may change is data, not a setting."""

from shared.core.settings import Settings


class RegistrationSettings(Settings):
    """Settings of registration, from the environment (`WISHTREE_`)."""
