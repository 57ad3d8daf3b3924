"""Create accounts, journal, rules, products, venues, vouchers and redemptions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.db.migrations.operations import append_only

revision = "rewards_0002"
down_revision = "rewards_0001"


def upgrade() -> None:

    op.create_table(
        "accounts",
        sa.Column("volunteer_id", sa.Uuid(), nullable=False),
        sa.Column("points_available", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("points_held", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("minutes_credited", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("shortfall", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "standing_choice",
            sa.Enum(
                "issue", "save", "give_on", name="standingchoice", native_enum=False, length=40
            ),
            server_default="issue",
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "closed",
                "merged",
                "erased",
                name="accountstatus",
                native_enum=False,
                length=40,
            ),
            server_default="open",
            nullable=False,
        ),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.Column("suspended", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("suspended_sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "opened_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(status = 'merged') = (merged_into IS NOT NULL)",
            name="ck_accounts_merged_names_target",
        ),
        sa.CheckConstraint(
            "minutes_credited >= 0", name="ck_accounts_minutes_credited_not_negative"
        ),
        sa.CheckConstraint(
            "points_available >= 0", name="ck_accounts_points_available_not_negative"
        ),
        sa.CheckConstraint("points_held >= 0", name="ck_accounts_points_held_not_negative"),
        sa.CheckConstraint("shortfall >= 0", name="ck_accounts_shortfall_not_negative"),
        sa.PrimaryKeyConstraint("volunteer_id", name="pk_accounts"),
    )
    op.create_index(
        "ix_accounts_merged_into",
        "accounts",
        ["merged_into"],
        unique=False,
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )

    op.create_table(
        "corrections",
        sa.Column("correction_id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("minutes", sa.BigInteger(), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("correction_id", name="pk_corrections"),
    )
    op.create_index("ix_corrections_record_id", "corrections", ["record_id"], unique=False)

    op.create_table(
        "credited_records",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("volunteer_id", sa.Uuid(), nullable=False),
        sa.Column("recorded", sa.Boolean(), nullable=False),
        sa.Column("minutes", sa.BigInteger(), nullable=False),
        sa.Column("corrected_by", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("minutes_credited", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("points_credited", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=True),
        sa.Column("rule_version", sa.BigInteger(), nullable=True),
        sa.Column("rule_minutes", sa.BigInteger(), nullable=False),
        sa.Column("rule_points", sa.BigInteger(), nullable=False),
        sa.Column("worked_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("record_id", name="pk_credited_records"),
    )

    op.create_table(
        "disputes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("voucher_id", sa.Uuid(), nullable=True),
        sa.Column(
            "opened_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_disputes"),
        sa.UniqueConstraint(
            "venue_id",
            "reference",
            "reason_code",
            name="uq_disputes_venue_id_reference_reason_code",
        ),
    )
    op.create_index("ix_disputes_venue_id_id", "disputes", ["venue_id", "id"], unique=False)

    op.create_table(
        "failed_looks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column(
            "looked_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_failed_looks"),
    )
    op.create_index(
        "ix_failed_looks_venue_id_looked_at",
        "failed_looks",
        ["venue_id", "looked_at"],
        unique=False,
    )

    op.create_table(
        "rules",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("earn", "issue", name="rulekind", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("minutes", sa.BigInteger(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("swept", sa.Boolean(), nullable=False),
        sa.Column("swept_to", sa.Uuid(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind <> 'earn' OR (minutes > 0 AND points >= 0)", name="ck_rules_earn_has_rate"
        ),
        sa.CheckConstraint(
            "kind <> 'issue' OR product_id IS NOT NULL", name="ck_rules_issue_has_product"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rules"),
        sa.UniqueConstraint("kind", "scope", "version", name="uq_rules_kind_scope_version"),
    )

    op.create_table(
        "transfers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("debit_account", sa.Text(), nullable=False),
        sa.Column("credit_account", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "earned",
                "corrected",
                "owed",
                "repaid",
                "forfeited",
                "forgiven",
                "merged",
                "merged_held",
                "merged_owed",
                "backordered",
                "released",
                "issued",
                "redeemed",
                "reversed",
                "expired",
                "voided",
                name="transferkind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("cause_id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=True),
        sa.Column("rule_version", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("volunteer_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.CheckConstraint("amount > 0", name="ck_transfers_amount_positive"),
        sa.CheckConstraint("debit_account <> credit_account", name="ck_transfers_two_accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_transfers"),
        sa.UniqueConstraint("kind", "cause_id", name="uq_transfers_kind_cause_id"),
    )
    op.create_index(
        "ix_transfers_volunteer_id_id", "transfers", ["volunteer_id", "id"], unique=False
    )

    op.create_table(
        "venues",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_venues"),
    )

    op.create_table(
        "webhook_receipts",
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("answer", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("venue_id", "webhook_id", name="pk_webhook_receipts"),
    )

    op.create_table(
        "products",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("valid_days", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.CheckConstraint("points > 0", name="ck_products_points_positive"),
        sa.CheckConstraint("valid_days > 0", name="ck_products_valid_days_positive"),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name="fk_products_venue_id_venues"),
        sa.PrimaryKeyConstraint("id", name="pk_products"),
    )
    op.create_index("ix_products_venue_id", "products", ["venue_id"], unique=False)

    op.create_table(
        "venue_secrets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("webhook", "api_key", name="secretkind", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("hashed", sa.LargeBinary(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(kind = 'webhook') = (sealed IS NOT NULL)"
            " AND (kind = 'api_key') = (hashed IS NOT NULL)",
            name="ck_venue_secrets_kept",
        ),
        sa.ForeignKeyConstraint(
            ["venue_id"], ["venues.id"], name="fk_venue_secrets_venue_id_venues"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_venue_secrets"),
    )
    op.create_index("ix_venue_secrets_venue_id", "venue_secrets", ["venue_id"], unique=False)

    op.create_table(
        "backorders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("volunteer_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=True),
        sa.Column("rule_version", sa.BigInteger(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "waiting",
                "issued",
                "cancelled",
                name="backorderstatus",
                native_enum=False,
                length=40,
            ),
            server_default="waiting",
            nullable=False,
        ),
        sa.Column("voucher_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name="fk_backorders_product_id_products"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_backorders"),
        sa.UniqueConstraint("voucher_id", name="uq_backorders_voucher_id"),
    )
    op.create_index(
        "ix_backorders_volunteer_id_id", "backorders", ["volunteer_id", "id"], unique=False
    )
    op.create_index(
        "ix_backorders_waiting",
        "backorders",
        ["product_id", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'waiting'"),
    )

    op.create_table(
        "stocks",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("left", sa.BigInteger(), nullable=False),
        sa.Column("filled", sa.BigInteger(), nullable=False),
        sa.CheckConstraint('"left" >= 0', name="ck_stocks_left_not_negative"),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name="fk_stocks_product_id_products"
        ),
        sa.PrimaryKeyConstraint("product_id", name="pk_stocks"),
    )

    op.create_table(
        "vouchers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("code_fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("code_sealed", sa.LargeBinary(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "issued",
                "held",
                "redeemed",
                "expired",
                "voided",
                name="voucherstatus",
                native_enum=False,
                length=40,
            ),
            server_default="issued",
            nullable=False,
        ),
        sa.Column("rule_id", sa.Uuid(), nullable=True),
        sa.Column("rule_version", sa.BigInteger(), nullable=True),
        sa.Column(
            "issued_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status <> 'held' OR (hold_id IS NOT NULL AND held_until IS NOT NULL)",
            name="ck_vouchers_held_has_hold",
        ),
        sa.CheckConstraint("points > 0", name="ck_vouchers_points_positive"),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name="fk_vouchers_product_id_products"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_vouchers"),
        sa.UniqueConstraint("code_fingerprint", name="uq_vouchers_code_fingerprint"),
        sa.UniqueConstraint("hold_id", name="uq_vouchers_hold_id"),
    )
    op.create_index(
        "ix_vouchers_expires_at",
        "vouchers",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('issued', 'held')"),
    )
    op.create_index("ix_vouchers_holder_id_id", "vouchers", ["holder_id", "id"], unique=False)

    op.create_table(
        "code_looks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("voucher_id", sa.Uuid(), nullable=False),
        sa.Column("looked_by", sa.Uuid(), nullable=False),
        sa.Column(
            "looked_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["voucher_id"], ["vouchers.id"], name="fk_code_looks_voucher_id_vouchers"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_code_looks"),
    )
    op.create_index("ix_code_looks_voucher_id", "code_looks", ["voucher_id"], unique=False)

    op.create_table(
        "redemptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("voucher_id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column(
            "redeemed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "reversed_at IS NULL OR settled_at IS NULL", name="ck_redemptions_settled_is_final"
        ),
        sa.ForeignKeyConstraint(
            ["voucher_id"], ["vouchers.id"], name="fk_redemptions_voucher_id_vouchers"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_redemptions"),
        sa.UniqueConstraint("venue_id", "reference", name="uq_redemptions_venue_id_reference"),
    )
    op.create_index(
        "uq_redemptions_voucher_id",
        "redemptions",
        ["voucher_id"],
        unique=True,
        postgresql_where=sa.text("reversed_at IS NULL"),
    )

    for journal in ("transfers", "corrections", "code_looks"):
        append_only(journal)
    # Balances change in place, again and again: room on the page keeps such updates out of the
    # indexes.
    op.execute("ALTER TABLE accounts SET (fillfactor = 70)")
    op.execute("ALTER TABLE stocks SET (fillfactor = 10)")
