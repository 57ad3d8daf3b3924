"""An audit reads corrections by their new record."""

import sqlalchemy as sa
from alembic import op

revision = "registration_0003"
down_revision = "registration_0002"


def upgrade() -> None:
    op.create_index(
        "ix_corrections_new_record_id",
        "corrections",
        ["new_record_id"],
        postgresql_where=sa.text("new_record_id IS NOT NULL"),
    )
