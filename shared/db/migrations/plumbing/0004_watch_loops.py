"""The last turn of each loop of each process, so that one that is stuck is seen from outside."""

import sqlalchemy as sa
from alembic import op

revision = "plumbing_0004"
down_revision = "plumbing_0003"


def upgrade() -> None:
    op.create_table(
        "loop_turns",
        sa.Column("loop", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_turn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waiting", sa.BigInteger(), nullable=True),
        sa.Column("oldest_seconds", sa.Float(), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("loop", "process", name=op.f("pk_loop_turns")),
    )
