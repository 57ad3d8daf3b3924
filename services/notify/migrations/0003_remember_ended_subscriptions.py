"""Remember deleted subscriptions, so that deleting one twice is answered alike."""

import sqlalchemy as sa
from alembic import op

revision = "notify_0003"
down_revision = "notify_0002"


def upgrade() -> None:
    op.create_table(
        "ended_subscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "ended_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ended_subscriptions"),
    )
