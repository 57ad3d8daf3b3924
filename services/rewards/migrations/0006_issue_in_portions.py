"""Remember whose points buy more vouchers than one transaction issues."""

import sqlalchemy as sa
from alembic import op

revision = "rewards_0006"
down_revision = "rewards_0005"


def upgrade() -> None:
    op.create_table(
        "issue_backlog",
        sa.Column("volunteer_id", sa.Uuid(), nullable=False),
        sa.Column(
            "since",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("volunteer_id", name="pk_issue_backlog"),
    )
    op.create_index("ix_issue_backlog_since", "issue_backlog", ["since"])
