"""Nothing any more: the tables that every service has are made by
`shared/db/migrations/plumbing`.
"""

revision = "wishes_0001"
down_revision = None


def upgrade() -> None:
    """Keep the place of this revision in the history."""
