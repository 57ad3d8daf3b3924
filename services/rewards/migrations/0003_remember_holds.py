"""Keep which holds a venue had, so that ending one twice gets the same answer."""

import sqlalchemy as sa
from alembic import op

revision = "rewards_0003"
down_revision = "rewards_0002"


def upgrade() -> None:
    op.create_table(
        "holds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_holds"),
    )
    op.execute(
        "INSERT INTO holds (id, venue_id)"
        " SELECT hold_id, venue_id FROM vouchers WHERE hold_id IS NOT NULL"
    )
