"""Create the tables of wishes."""

import sqlalchemy as sa
from alembic import op

from shared.db.migrations.operations import append_only

revision = "wishes_0002"
down_revision = "wishes_0001"

PUBLIC = sa.text("status IN ('published', 'claimed', 'fulfilled', 'confirmed')")


def upgrade() -> None:
    op.create_table(
        "beneficiaries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column(
            "consented_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.Column("guardian_name", sa.LargeBinary(), nullable=True),
        sa.Column("guardian_phone", sa.LargeBinary(), nullable=True),
        sa.Column("guardian_consented_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_beneficiaries")),
    )
    op.create_table(
        "claimer_loads",
        sa.Column("claimer_id", sa.Uuid(), nullable=False),
        sa.Column("claimer_kind", sa.String(40), nullable=False),
        sa.Column("active", sa.BigInteger(), nullable=False),
        sa.Column("claim_limit", sa.BigInteger(), nullable=False),
        sa.Column("standing", sa.String(40), nullable=False),
        sa.Column("standing_sequence", sa.BigInteger(), nullable=False),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "active BETWEEN 0 AND claim_limit", name=op.f("ck_claimer_loads_within_limit")
        ),
        sa.PrimaryKeyConstraint("claimer_id", name=op.f("pk_claimer_loads")),
    )
    op.create_table(
        "contact_looks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wish_id", sa.Uuid(), nullable=False),
        sa.Column("beneficiary_id", sa.Uuid(), nullable=False),
        sa.Column("looked_by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_looks")),
    )
    op.create_index("ix_contact_looks_wish_id_id", "contact_looks", ["wish_id", "id"])
    op.create_table(
        "known_organisations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_known_organisations")),
    )
    op.create_table(
        "wishes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("age_band", sa.String(40), nullable=False),
        sa.Column("station_id", sa.Uuid(), nullable=False),
        sa.Column("beneficiary_id", sa.Uuid(), nullable=False),
        sa.Column("need_by", sa.Date(), nullable=True),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("claimer_id", sa.Uuid(), nullable=True),
        sa.Column("claimer_kind", sa.String(40), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fulfilment_note", sa.Text(), nullable=True),
        sa.Column("proposed_minutes", sa.BigInteger(), nullable=False),
        sa.Column(
            "submitted_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'claimed') = (lease_until IS NOT NULL)",
            name=op.f("ck_wishes_lease_while_claimed"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('claimed', 'fulfilled', 'confirmed') OR claimer_id IS NOT NULL",
            name=op.f("ck_wishes_held_by_somebody"),
        ),
        sa.CheckConstraint(
            "(claimer_id IS NULL) = (claimer_kind IS NULL)", name=op.f("ck_wishes_claimer_whole")
        ),
        sa.ForeignKeyConstraint(
            ["beneficiary_id"],
            ["beneficiaries.id"],
            name=op.f("fk_wishes_beneficiary_id_beneficiaries"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wishes")),
        sa.UniqueConstraint("beneficiary_id", name=op.f("uq_wishes_beneficiary_id")),
        sa.UniqueConstraint("number", name=op.f("uq_wishes_number")),
    )
    op.create_index("ix_wishes_board", "wishes", ["id"], postgresql_where=PUBLIC)
    op.create_index(
        "ix_wishes_board_category", "wishes", ["category", "id"], postgresql_where=PUBLIC
    )
    op.create_index("ix_wishes_category_status", "wishes", ["category", "status"])
    op.create_index(
        "ix_wishes_claimer_id_id",
        "wishes",
        ["claimer_id", "id"],
        postgresql_where=sa.text("claimer_id IS NOT NULL"),
    )
    op.create_index(
        "ix_wishes_ended_at",
        "wishes",
        ["ended_at"],
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    )
    op.create_index(
        "ix_wishes_lease_until",
        "wishes",
        ["lease_until"],
        postgresql_where=sa.text("status = 'claimed'"),
    )
    op.create_index(
        "ix_wishes_need_by", "wishes", ["need_by"], postgresql_where=sa.text("status = 'published'")
    )
    op.create_index("ix_wishes_station_id_id", "wishes", ["station_id", "id"])
    op.create_index("ix_wishes_status_id", "wishes", ["status", "id"])
    op.create_table(
        "wish_moves",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wish_id", sa.Uuid(), nullable=False),
        sa.Column("from_status", sa.String(40), nullable=True),
        sa.Column("to_status", sa.String(40), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["wish_id"], ["wishes.id"], name=op.f("fk_wish_moves_wish_id_wishes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wish_moves")),
    )
    op.create_index("ix_wish_moves_wish_id_id", "wish_moves", ["wish_id", "id"])
    append_only("wish_moves")
    append_only("contact_looks")
