"""Do nothing: `shared/db/migrations/plumbing` makes the tables that every service has."""

revision = "rewards_0001"
down_revision = None


def upgrade() -> None:
    """Keep the place of this revision in the history."""
