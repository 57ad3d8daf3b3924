"""The epoch of the installation: one row, the same in every schema. A restore changes it.

It begins with a fixed value, so that schemas which are migrated at different times agree. The
application role cannot change it.
"""

import sqlalchemy as sa
from alembic import op

from shared.db.migrations.operations import append_only

revision = "plumbing_0003"
down_revision = "plumbing_0002"


def upgrade() -> None:
    op.create_table(
        "installation_epoch",
        sa.Column("only_row", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("epoch", sa.Uuid(), nullable=False),
        sa.Column(
            "since",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.CheckConstraint("only_row", name=op.f("ck_installation_epoch_only_row")),
        sa.PrimaryKeyConstraint("only_row", name=op.f("pk_installation_epoch")),
    )
    op.execute(
        "INSERT INTO installation_epoch (epoch) VALUES ('00000000-0000-0000-0000-000000000000')"
    )
    append_only("installation_epoch")  # and one row is there already
