"""Idempotency keys are compared by what their body means, not only by its bytes.

The column may be null: processes of before write none, and compare `body_hash` as they did.
"""

import sqlalchemy as sa
from alembic import op

revision = "plumbing_0002"
down_revision = "plumbing_0001"


def upgrade() -> None:
    op.add_column("idempotency_keys", sa.Column("content_hash", sa.LargeBinary(), nullable=True))
