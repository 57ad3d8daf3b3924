"""Do nothing: `shared/db/migrations/plumbing` creates the tables that every service has."""

revision = "wishes_0001"
down_revision = None


def upgrade() -> None:
    """Keep the place of this revision in the history."""
