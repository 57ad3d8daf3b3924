"""Add pending transfers, seals, five more kinds of rules, the pool and settlements.

Additive except for `holds`, which `pending_transfers` replaces: older code must not run on it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.db.migrations.operations import append_only
from shared.db.types import Xid8

revision = "rewards_0004"
down_revision = "rewards_0003"

CHECKS = (
    ("products", "ck_products_cost_fen_not_negative", "cost_fen >= 0"),
    ("products", "ck_products_daily_quota_not_negative", "daily_quota >= 0"),
    ("stocks", "ck_stocks_day_count_not_negative", "day_count >= 0"),
    ("stocks", "ck_stocks_month_points_not_negative", "month_points >= 0"),
    (
        "rules",
        "ck_rules_coefficient_has_percent",
        "kind <> 'coefficient' OR (percent >= 0 AND category IS NOT NULL)",
    ),
    ("rules", "ck_rules_expire_has_days", "kind <> 'expire' OR days > 0"),
    ("rules", "ck_rules_limit_has_count", "kind <> 'limit' OR (count > 0 AND period IS NOT NULL)"),
    (
        "rules",
        "ck_rules_budget_has_points",
        "kind <> 'budget' OR (points >= 0 AND product_id IS NOT NULL)",
    ),
    ("disputes", "ck_disputes_amount_fen_not_negative", "amount_fen >= 0"),
)


def upgrade() -> None:
    create_tables()
    move_holds()
    widen_tables()
    for table, name, condition in CHECKS:
        op.create_check_constraint(name, table, condition)
    for journal in (
        "pending_transfers",
        "pending_resolutions",
        "seals",
        "exported_heads",
        "handovers",
    ):
        append_only(journal)


def create_tables() -> None:
    op.create_table(
        "exported_heads",
        sa.Column("exported_on", sa.Date(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "exported_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("exported_on", name="pk_exported_heads"),
    )
    op.create_table(
        "lock_outs",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", name="pk_lock_outs"),
    )
    op.create_table(
        "pending_transfers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("debit_account", sa.Text(), nullable=False),
        sa.Column("credit_account", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("cause_id", sa.Uuid(), nullable=False),
        sa.Column("volunteer_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.CheckConstraint("amount > 0", name="ck_pending_transfers_amount_positive"),
        sa.PrimaryKeyConstraint("id", name="pk_pending_transfers"),
    )
    op.create_table(
        "pool_wishes",
        sa.Column("wish_id", sa.Uuid(), nullable=False),
        sa.Column("station_id", sa.Uuid(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "open", "closed", "granted", name="poolwishstatus", native_enum=False, length=40
            ),
            server_default="open",
            nullable=False,
        ),
        sa.Column("sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("voucher_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("wish_id", name="pk_pool_wishes"),
    )
    op.create_index(
        "ix_pool_wishes_open",
        "pool_wishes",
        ["wish_id"],
        unique=False,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_table(
        "rule_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("proposal", postgresql.JSONB(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("running", "done", name="rulerunstatus", native_enum=False, length=40),
            server_default="running",
            nullable=False,
        ),
        sa.Column("swept_to", sa.Uuid(), nullable=True),
        sa.Column("result", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_rule_runs"),
    )
    op.create_table(
        "seals",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.Column("last_txid", Xid8(), nullable=False),
        sa.Column("last_id", sa.Uuid(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "sealed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("number", name="pk_seals"),
    )
    op.create_table(
        "sweeps",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("swept_to", sa.Uuid(), nullable=True),
        sa.Column("finished", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_sweeps"),
    )
    op.create_table(
        "pending_resolutions",
        sa.Column("pending_id", sa.Uuid(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum("posted", "voided", "expired", name="resolution", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column(
            "resolved_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["pending_id"],
            ["pending_transfers.id"],
            name="fk_pending_resolutions_pending_id_pending_transfers",
        ),
        sa.PrimaryKeyConstraint("pending_id", name="pk_pending_resolutions"),
    )
    op.create_table(
        "settlements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("redemptions", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("disputes_fen", sa.BigInteger(), nullable=False),
        sa.Column("closed_by", sa.Text(), nullable=False),
        sa.Column(
            "closed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.Column("reopened_by", sa.Text(), nullable=True),
        sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reopen_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name="fk_settlements_venue_id_venues"),
        sa.PrimaryKeyConstraint("id", name="pk_settlements"),
    )
    op.create_index("ix_settlements_venue_id_id", "settlements", ["venue_id", "id"], unique=False)
    op.create_index(
        "uq_settlements_venue_id_month",
        "settlements",
        ["venue_id", "month"],
        unique=True,
        postgresql_where=sa.text("reopened_at IS NULL"),
    )
    op.create_table(
        "venue_statements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("uploaded_by", sa.Text(), nullable=False),
        sa.Column(
            "uploaded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["venue_id"], ["venues.id"], name="fk_venue_statements_venue_id_venues"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_venue_statements"),
    )
    op.create_index(
        "ix_venue_statements_venue_id_month",
        "venue_statements",
        ["venue_id", "month", "id"],
        unique=False,
    )
    op.create_table(
        "pool_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.Column(
            "need",
            sa.Enum(
                "low_income",
                "disability",
                "elderly",
                "child",
                "carer",
                "other",
                name="need",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "waiting",
                "granted",
                "withdrawn",
                name="poolrequeststatus",
                native_enum=False,
                length=40,
            ),
            server_default="waiting",
            nullable=False,
        ),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("voucher_id", sa.Uuid(), nullable=True),
        sa.Column("received_before", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name="fk_pool_requests_product_id_products"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_pool_requests"),
    )
    op.create_index(
        "ix_pool_requests_granted",
        "pool_requests",
        ["recipient_id", "ended_at"],
        unique=False,
        postgresql_where=sa.text("status = 'granted'"),
    )
    op.create_index(
        "ix_pool_requests_holder_id_id", "pool_requests", ["holder_id", "id"], unique=False
    )
    op.create_index(
        "ix_pool_requests_waiting_id",
        "pool_requests",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_index(
        "uq_pool_requests_waiting",
        "pool_requests",
        ["recipient_id"],
        unique=True,
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_table(
        "venue_statement_lines",
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("voucher_id", sa.Uuid(), nullable=True),
        sa.Column("redeemed_on", sa.Date(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["venue_statements.id"],
            name="fk_venue_statement_lines_statement_id_venue_statements",
        ),
        sa.PrimaryKeyConstraint("statement_id", "number", name="pk_venue_statement_lines"),
    )
    op.create_table(
        "handovers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "gift",
                "donation",
                "allocation",
                "wish",
                "return",
                "reissue",
                name="handoverkind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("from_voucher_id", sa.Uuid(), nullable=True),
        sa.Column("to_voucher_id", sa.Uuid(), nullable=False),
        sa.Column("giver_id", sa.Uuid(), nullable=True),
        sa.Column("receiver_id", sa.Uuid(), nullable=True),
        sa.Column("named", sa.Boolean(), nullable=False),
        sa.Column("wish_id", sa.Uuid(), nullable=True),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["from_voucher_id"], ["vouchers.id"], name="fk_handovers_from_voucher_id_vouchers"
        ),
        sa.ForeignKeyConstraint(
            ["to_voucher_id"], ["vouchers.id"], name="fk_handovers_to_voucher_id_vouchers"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_handovers"),
        sa.UniqueConstraint("from_voucher_id", name="uq_handovers_from_voucher_id"),
        sa.UniqueConstraint("to_voucher_id", name="uq_handovers_to_voucher_id"),
    )
    op.create_index(
        "ix_handovers_giver_id_id",
        "handovers",
        ["giver_id", "id"],
        unique=False,
        postgresql_where=sa.text("giver_id IS NOT NULL"),
    )
    op.create_index(
        "ix_handovers_receiver_id_id",
        "handovers",
        ["receiver_id", "id"],
        unique=False,
        postgresql_where=sa.text("receiver_id IS NOT NULL"),
    )
    op.create_table(
        "settlement_lines",
        sa.Column("settlement_id", sa.Uuid(), nullable=False),
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column("stands", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.ForeignKeyConstraint(
            ["redemption_id"],
            ["redemptions.id"],
            name="fk_settlement_lines_redemption_id_redemptions",
        ),
        sa.ForeignKeyConstraint(
            ["settlement_id"],
            ["settlements.id"],
            name="fk_settlement_lines_settlement_id_settlements",
        ),
        sa.PrimaryKeyConstraint("settlement_id", "redemption_id", name="pk_settlement_lines"),
    )
    op.create_index(
        "uq_settlement_lines_redemption_id",
        "settlement_lines",
        ["redemption_id"],
        unique=True,
        postgresql_where=sa.text("stands"),
    )


def move_holds() -> None:
    """Write pending transfers for the holds that last, and drop the table of holds."""
    op.execute(
        "INSERT INTO pending_transfers (id, debit_account, credit_account, amount, cause_id,"
        " volunteer_id, expires_at, actor)"
        " SELECT hold_id, 'product:' || product_id, 'venue:' || venue_id, points, id,"
        " holder_id, held_until, 'venue:' || venue_id FROM vouchers WHERE status = 'held'"
    )
    op.drop_table("holds")


def widen_tables() -> None:
    op.add_column("accounts", sa.Column("preferred_product_id", sa.Uuid(), nullable=True))
    op.add_column("credited_records", sa.Column("category", sa.Text(), nullable=True))
    op.create_index(
        "ix_credited_records_volunteer_id",
        "credited_records",
        ["volunteer_id", "record_id"],
        unique=False,
    )
    op.add_column(
        "disputes",
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "accepted",
                "rejected",
                "lapsed",
                name="disputestatus",
                native_enum=False,
                length=40,
            ),
            server_default="open",
            nullable=False,
        ),
    )
    op.add_column(
        "disputes",
        sa.Column(
            "due_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now() + interval '14 days'"),
            nullable=False,
        ),
    )
    op.add_column("disputes", sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("disputes", sa.Column("decided_by", sa.Text(), nullable=True))
    op.add_column("disputes", sa.Column("note", sa.Text(), nullable=True))
    op.add_column(
        "disputes", sa.Column("amount_fen", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column("disputes", sa.Column("settlement_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_disputes_due_at",
        "disputes",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_foreign_key(
        "fk_disputes_settlement_id_settlements",
        "disputes",
        "settlements",
        ["settlement_id"],
        ["id"],
    )
    op.create_index("ix_failed_looks_looked_at", "failed_looks", ["looked_at"], unique=False)
    op.add_column(
        "products", sa.Column("cost_fen", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column("products", sa.Column("daily_quota", sa.BigInteger(), nullable=True))
    op.add_column("products", sa.Column("offered_from", sa.Date(), nullable=True))
    op.add_column("products", sa.Column("offered_until", sa.Date(), nullable=True))
    op.add_column(
        "products",
        sa.Column(
            "blackout_days", postgresql.ARRAY(sa.Date()), server_default="{}", nullable=False
        ),
    )
    op.create_index(
        "ix_redemptions_unsettled",
        "redemptions",
        ["venue_id", "redeemed_at"],
        unique=False,
        postgresql_where=sa.text("reversed_at IS NULL AND settled_at IS NULL"),
    )
    op.add_column("rules", sa.Column("percent", sa.BigInteger(), nullable=True))
    op.add_column("rules", sa.Column("days", sa.BigInteger(), nullable=True))
    op.add_column("rules", sa.Column("count", sa.BigInteger(), nullable=True))
    op.add_column(
        "rules",
        sa.Column(
            "period",
            sa.Enum("day", "week", "month", "year", name="period", native_enum=False, length=40),
            nullable=True,
        ),
    )
    op.add_column(
        "rules",
        sa.Column("automatic", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
    op.add_column("rules", sa.Column("effective_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("stocks", sa.Column("day", sa.Date(), nullable=True))
    op.add_column(
        "stocks", sa.Column("day_count", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column("stocks", sa.Column("month", sa.Date(), nullable=True))
    op.add_column(
        "stocks", sa.Column("month_points", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column("transfers", sa.Column("pending_id", sa.Uuid(), nullable=True))
    op.add_column(
        "transfers",
        sa.Column("txid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
    )
    op.create_index(
        "ix_transfers_credit_account",
        "transfers",
        ["credit_account", "created_at"],
        unique=False,
        postgresql_where=sa.text("kind IN ('redeemed', 'reopened', 'given', 'donated')"),
    )
    op.create_index(
        "ix_transfers_debit_account",
        "transfers",
        ["debit_account", "created_at"],
        unique=False,
        postgresql_where=sa.text(
            "kind IN ('reversed', 'settled', 'allocated', 'expired', 'voided')"
        ),
    )
    op.create_index("ix_transfers_txid_id", "transfers", ["txid", "id"], unique=False)
    op.add_column("venue_secrets", sa.Column("label", sa.Text(), nullable=True))
    op.add_column(
        "venue_secrets",
        sa.Column("scopes", postgresql.JSONB(), server_default="[]", nullable=False),
    )
    op.add_column(
        "venues",
        sa.Column(
            "status",
            sa.Enum("active", "suspended", name="venuestatus", native_enum=False, length=40),
            server_default="active",
            nullable=False,
        ),
    )
    op.add_column(
        "venues",
        sa.Column("sandbox", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column(
        "vouchers",
        sa.Column(
            "origin",
            sa.Enum(
                "earned",
                "exchanged",
                "gift",
                "sandbox",
                name="voucherorigin",
                native_enum=False,
                length=40,
            ),
            server_default="earned",
            nullable=False,
        ),
    )
    op.add_column(
        "vouchers", sa.Column("cost_fen", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column("vouchers", sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True))
    op.alter_column("vouchers", "holder_id", existing_type=sa.UUID(), nullable=True)
    op.create_index(
        "ix_vouchers_held_until",
        "vouchers",
        ["held_until"],
        unique=False,
        postgresql_where=sa.text("status = 'held'"),
    )
    op.create_index(
        "ix_vouchers_pool",
        "vouchers",
        ["product_id", "expires_at", "id"],
        unique=False,
        postgresql_where=sa.text("holder_id IS NULL AND status = 'issued' AND origin <> 'sandbox'"),
    )
    op.create_index(
        "ix_webhook_receipts_received_at", "webhook_receipts", ["received_at"], unique=False
    )
